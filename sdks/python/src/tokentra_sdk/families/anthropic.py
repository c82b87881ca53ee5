"""Anthropic's client, also on Bedrock, Vertex and Foundry: which requests are model calls."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tokentra_sdk.calls import Call
from tokentra_sdk.families.anthropic_batches import begun_batch
from tokentra_sdk.families.anthropic_messages import MessageReader, message_elsewhere, message_usage
from tokentra_sdk.families.requests import body_of, wrap_requests
from tokentra_sdk.usage import get
from tokentra_sdk.watching import Begun, Wrapped

PROVIDERS = {"Bedrock": "aws", "AWS": "aws", "Vertex": "google", "GoogleCloud": "google", "Foundry": "azure"}


def wrap(client: Any, wrapped: Wrapped) -> bool:
    return wrap_requests(client, wrapped, begun)


def provider_of(client: Any) -> str:
    return next((name for mark, name in PROVIDERS.items() if mark in type(client).__name__), "anthropic")


def begun(client: Any, wrapped: Wrapped, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    """Of a request that the client is about to make: how it is read, or None where it is no model call."""
    options = args[1] if len(args) > 1 else kwargs.get("options")
    method, path = str(get(options, "method") or "").lower(), urlsplit(str(get(options, "url") or "")).path
    provider = wrapped.provider or provider_of(client)
    if method == "get":
        found = begun_batch(client, wrapped, provider, path)
        if found is not None:
            found.args, found.kwargs = args, kwargs
        return found
    if method != "post" or path != "/v1/messages":
        return None
    call = Call(wrapped.sdk, provider, body_of(options).get("model"), "chat")
    read = message_usage if provider == "anthropic" else message_elsewhere
    reader = MessageReader(read) if kwargs.get("stream") else None
    return Begun(call, args, kwargs, lambda answer: read(answer, get(answer, "usage")), reader)
