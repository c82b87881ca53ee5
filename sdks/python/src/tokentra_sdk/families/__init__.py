"""The clients that can be wrapped, by the package that they come from."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tokentra_sdk.losses import log
from tokentra_sdk.watching import MARK, Wrapped

if TYPE_CHECKING:
    from tokentra_sdk.client import TokenTra

# A package, and the module here that knows its clients.
PACKAGES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "botocore": "bedrock",
    "google.genai": "google",
    "mistralai": "mistral",
    "mistralai_azure": "mistral",
    "mistralai_gcp": "mistral",
    "cohere": "cohere",
    "pinecone": "pinecone",
}


def wrap(client: Any, sdk: TokenTra, provider: str | None, is_asked: bool = True) -> None:
    """Watch what a client calls. Once wrapped, it is only told to whom it reports now.

    `is_asked`: the program said that this is a client, so that it is told where it is none.
    """
    held = getattr(client, "__dict__", {}).get(MARK)
    if isinstance(held, Wrapped):
        held.sdk, held.provider = sdk, provider or held.provider
        return
    wrapped = Wrapped(sdk, provider)
    for kind in type(client).__mro__:
        module = family_of(kind.__module__)
        if module:
            family = importlib.import_module(f"tokentra_sdk.families.{module}")
            if family.wrap(client, wrapped):
                client.__dict__[MARK] = wrapped
                return
    if is_asked:
        log.warning("TokenTra: %s is no client that can be wrapped; its calls are not reported.", type(client).__name__)


def family_of(module: str) -> str | None:
    return next((family for name, family in PACKAGES.items() if f"{module}.".startswith(f"{name}.")), None)
