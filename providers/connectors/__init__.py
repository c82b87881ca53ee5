"""The providers that TokenTra can read, in the order in which pages list them."""

from providers.connectors.anthropic import Anthropic
from providers.connectors.base import Connector
from providers.connectors.openai import OpenAI

CONNECTORS: dict[str, Connector] = {connector.key: connector for connector in (OpenAI(), Anthropic())}
