"""Mistral's client, also on Azure and Google Cloud: chat, completions of code, agents and embeddings."""

from __future__ import annotations

import functools
from typing import Any

from tokentra_sdk.calls import Call
from tokentra_sdk.families.methods import Newest, watch_methods
from tokentra_sdk.usage import Usage, count, disjoint, get, told
from tokentra_sdk.watching import Begun, Reader, Wrapped

# Of each part of a client: its methods, what they are, and whether they answer a stream.
COMPLETING = {
    "complete": ("chat", False),
    "complete_async": ("chat", False),
    "stream": ("chat", True),
    "stream_async": ("chat", True),
}
PARTS = {
    "chat": COMPLETING,
    "fim": COMPLETING,
    "agents": COMPLETING,
    "embeddings": {"create": ("embeddings", False), "create_async": ("embeddings", False)},
}
CLOUDS = {"azure": "azure", "gcp": "google"}


def wrap(client: Any, wrapped: Wrapped) -> bool:
    if not callable(get(client, "chat", "complete")):
        return False
    provider = provider_of(client)
    for name, methods in PARTS.items():
        part = getattr(client, name, None)
        if part is not None:
            begins = {method: functools.partial(begun, wrapped, provider, what) for method, what in methods.items()}
            watch_methods(part, wrapped, begins)
    return True


def provider_of(client: Any) -> str:
    module = type(client).__module__
    return next((name for cloud, name in CLOUDS.items() if cloud in module), "mistral")


def begun(
    wrapped: Wrapped, provider: str, what: tuple[str, bool], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Begun:
    operation, is_streaming = what
    model = kwargs.get("model") or kwargs.get("agent_id")
    call = Call(wrapped.sdk, wrapped.provider or provider, model, operation)
    return Begun(call, args, kwargs, whole, StreamReader() if is_streaming else None)


def whole(answer: Any) -> Usage:
    usage, tier = get(answer, "usage"), told(get(answer, "usage", "service_tier"))
    named: dict[str, Any] = {
        "model": told(get(answer, "model")),
        "request_id": told(get(answer, "id")),
        "service_tier": "default" if tier == "standard" else tier,
    }
    if get(usage, "prompt_tokens") is None:
        return Usage(source="missing", **named)
    tokens = disjoint(
        going_in=count(usage, "prompt_tokens"),
        coming_out=count(usage, "completion_tokens"),
        cache_read=count(usage, "prompt_tokens_details", "cached_tokens") or count(usage, "num_cached_tokens"),
    )
    heard = count(usage, "prompt_audio_seconds")
    return Usage(tokens=tokens, units={"audio_second": heard} if heard else {}, **named)


class StreamReader(Reader):
    """Each piece stands below `data`; the last one tells the usage."""

    def __init__(self) -> None:
        self.newest = Newest(whole, "id", "model", decides="usage")

    def see(self, piece: Any) -> object:
        self.newest.see(get(piece, "data"))
        self.is_whole = self.newest.is_whole
        return None

    def usage(self) -> Usage | None:
        return self.newest.usage()
