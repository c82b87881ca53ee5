"""A stand-in for OpenAI's and Anthropic's usage and billing APIs, for tests and rehearsals.

It imports nothing of the application, so that it cannot share the application's mistakes.

    world = example_world(now)
    with FakeProvider(world) as fake:  # fake.url is the base of both providers
        fake.script([{"match": {"path": "/costs", "page": 2}, "do": {"action": "status", "status": 502}}])
        ...
        assert total == world.openai.total_billed("2026-11-13", "2026-11-20")
"""

from .example import KEYS, example_world
from .faults import Script
from .generate import generate
from .server import FakeProvider, Seen
from .storage import load, save
from .world import (
    AdminKey,
    AnthropicAccount,
    AnthropicBill,
    AnthropicSettings,
    AnthropicUsage,
    ApiKey,
    OpenAIAccount,
    OpenAIBill,
    OpenAISettings,
    OpenAIUsage,
    Project,
    User,
    Workspace,
    World,
    moment,
    remove,
    revise,
)

__all__ = [
    "KEYS",
    "AdminKey",
    "AnthropicAccount",
    "AnthropicBill",
    "AnthropicSettings",
    "AnthropicUsage",
    "ApiKey",
    "FakeProvider",
    "OpenAIAccount",
    "OpenAIBill",
    "OpenAISettings",
    "OpenAIUsage",
    "Project",
    "Script",
    "Seen",
    "User",
    "Workspace",
    "World",
    "example_world",
    "generate",
    "load",
    "moment",
    "remove",
    "revise",
    "save",
]
