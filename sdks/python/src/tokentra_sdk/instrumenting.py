"""Wraps clients as they are made, also those of libraries that are imported later."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable

from tokentra_sdk import families

if TYPE_CHECKING:
    from tokentra_sdk.client import TokenTra

# Classes whose objects are clients, by the module that has them.
CLIENTS = {
    "openai": ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"),
    "anthropic": ("Anthropic", "AsyncAnthropic"),
    "anthropic.lib.bedrock._client": ("AnthropicBedrock", "AsyncAnthropicBedrock"),
    "anthropic.lib.vertex._client": ("AnthropicVertex", "AsyncAnthropicVertex"),
    "anthropic.lib.foundry": ("AnthropicFoundry", "AsyncAnthropicFoundry"),
    "botocore.client": ("BaseClient",),
    "google.genai.client": ("Client",),
    "mistralai.client.sdk": ("Mistral",),
    "mistralai.azure.client.sdk": ("MistralAzure",),
    "mistralai.gcp.client.sdk": ("MistralGCP",),
    "mistralai.sdk": ("Mistral",),  # until version 1
    "mistralai_azure.sdk": ("MistralAzure",),
    "mistralai_gcp.sdk": ("MistralGoogleCloud",),
    "cohere.client": ("Client", "AsyncClient"),
    "cohere.client_v2": ("ClientV2", "AsyncClientV2"),
    "pinecone.index": ("Index",),
    "pinecone.async_client.async_index": ("AsyncIndex",),
    "pinecone.grpc": ("GrpcIndex",),
    "pinecone.client.inference": ("Inference",),
    "pinecone.async_client.inference": ("AsyncInference",),
    "pinecone.db_data.index": ("Index",),  # until version 8
    "pinecone.db_data.index_asyncio": ("_IndexAsyncio",),
    "pinecone.inference.inference": ("Inference",),
    "pinecone.data.index": ("Index",),  # until version 6
}

_lock = threading.RLock()
_making = threading.local()
_sdk: Callable[[], TokenTra] | None = None


def begin(sdk: Callable[[], TokenTra]) -> None:
    """From now on, for whichever TokenTra `sdk` answers when a client is made."""
    global _sdk  # noqa: PLW0603  # one for the program
    with _lock:
        _sdk = sdk
        if not any(isinstance(finder, Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, Finder())
        for name in CLIENTS:
            if name in sys.modules:
                instrument(sys.modules[name])


def instrument(module: ModuleType) -> None:
    for name in CLIENTS.get(module.__name__, ()):
        kind: Any = getattr(module, name, None)
        if kind is not None and not hasattr(kind.__init__, MARK):
            kind.__init__ = wrapping(kind.__init__)


MARK = "_tokentra_wraps"


def wrapping(init: Any) -> Any:
    """A client that was made, wrapped once all of it is there: what it is made of may be a client, too."""

    @functools.wraps(init)
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        making = _making.__dict__.setdefault("ids", set())
        if id(self) in making:
            init(self, *args, **kwargs)
            return
        making.add(id(self))
        try:
            init(self, *args, **kwargs)
        finally:
            making.discard(id(self))
        if _sdk is not None:
            sdk = _sdk()
            sdk.safely(families.wrap, self, sdk, None, False)

    setattr(make, MARK, True)
    return make


class Finder(importlib.abc.MetaPathFinder):
    """Looks on when one of our libraries is imported for the first time; finds nothing itself."""

    def __init__(self) -> None:
        self._looking = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in CLIENTS or getattr(self._looking, "at", None) == fullname:
            return None
        self._looking.at = fullname
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking.at = None
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = Loader(spec.loader)
        return spec


class Loader(importlib.abc.Loader):
    """Loads as the library's own loader does, and instruments what came of it."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        if _sdk is not None:
            _sdk().safely(instrument, module)
