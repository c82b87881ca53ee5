"""Cohere's clients, of both versions of its API: chat, its streams, embeddings and reranking, by what is billed."""

from __future__ import annotations

import functools
from typing import Any

from tokentra_sdk.calls import Call
from tokentra_sdk.families.methods import watch_methods
from tokentra_sdk.usage import Usage, count, get, present, told
from tokentra_sdk.watching import Begun, Reader, Wrapped

OPERATIONS = {"chat": "chat", "embed": "embeddings", "rerank": "rerank"}
CLOUDS = {"Bedrock": "aws", "Sagemaker": "aws", "Aws": "aws", "Oci": "oracle"}


def wrap(client: Any, wrapped: Wrapped) -> bool:
    if not callable(get(client, "chat")) or not callable(get(client, "embed")):
        return False
    provider = next((name for mark, name in CLOUDS.items() if mark in type(client).__name__), "cohere")
    watch(client, wrapped, provider)
    if getattr(client, "v2", None) is not None:
        watch(client.v2, wrapped, provider)
    return True


def watch(client: Any, wrapped: Wrapped, provider: str) -> None:
    """Answers come by a client inside, which is also asked for raw ones; where there is none, by the client itself.

    Version 1 asks for many embeddings in threads of its own, so these are watched from outside of them, as streams are.
    """
    raw = getattr(client, "_raw_client", None)
    is_batching = hasattr(client, "_executor") and not hasattr(raw, "_v2")
    outside = dict.fromkeys(("embed",) if raw is not None and is_batching else (() if raw is not None else OPERATIONS))
    begin = functools.partial(begun, wrapped, provider)
    watch_methods(client, wrapped, {name: functools.partial(begin, name) for name in outside})
    watch_methods(client, wrapped, {"chat_stream": functools.partial(begin, "chat_stream")})
    if raw is not None:
        inside = [name for name in OPERATIONS if name not in outside]
        watch_methods(raw, wrapped, {name: functools.partial(begin, name) for name in inside})


def begun(wrapped: Wrapped, provider: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun:
    call = Call(wrapped.sdk, wrapped.provider or provider, kwargs.get("model"), OPERATIONS.get(name, "chat"))
    return Begun(call, args, kwargs, whole, ChatReader() if name == "chat_stream" else None, body=kwargs)


def whole(answer: Any) -> Usage:
    """Raw answers hold the parsed one below `data`."""
    return billed(get(answer, "data") if hasattr(answer, "headers") else answer)


def billed(answer: Any) -> Usage:
    units = get(answer, "usage", "billed_units") or get(answer, "meta", "billed_units")
    id = told(get(answer, "id")) or told(get(answer, "generation_id"))
    counted = {"search": count(units, "search_units"), "image": count(units, "images")}
    counted = {name: number for name, number in counted.items() if number}
    if get(units, "input_tokens") is None and not counted:
        return Usage(request_id=id, source="missing")
    if get(units, "input_tokens") is None:
        return Usage(units={**counted}, request_id=id)
    tokens = {
        "input": count(units, "input_tokens"),
        "output": count(units, "output_tokens"),
        "imageIn": count(units, "image_tokens"),
    }
    return Usage(tokens=present(tokens), units={**counted}, request_id=id)


class ChatReader(Reader):
    """The last event tells the usage: below `delta` in version 2, below `response` in version 1."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.last: Any = None

    def see(self, piece: Any) -> object:
        self.id = self.id or told(get(piece, "id"))
        found = get(piece, "delta") if get(piece, "delta", "usage") is not None else get(piece, "response")
        if found is not None:
            self.last, self.is_whole = found, True
        return None

    def usage(self) -> Usage | None:
        if self.last is None:
            return None
        found = billed(self.last)
        found.request_id = found.request_id or self.id
        return found
