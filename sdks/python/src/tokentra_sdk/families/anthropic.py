"""Anthropic's client, also on Bedrock, Vertex and Foundry: which requests are model calls, and what answers used."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tokentra_sdk.calls import Call
from tokentra_sdk.families.requests import body_of, wrap_requests
from tokentra_sdk.usage import Usage, count, get, present, told
from tokentra_sdk.watching import Begun, Reader, Wrapped

PROVIDERS = {"Bedrock": "aws", "AWS": "aws", "Vertex": "google", "GoogleCloud": "google", "Foundry": "azure"}


def wrap(client: Any, wrapped: Wrapped) -> bool:
    return wrap_requests(client, wrapped, begun)


def provider_of(client: Any) -> str:
    return next((name for mark, name in PROVIDERS.items() if mark in type(client).__name__), "anthropic")


def begun(client: Any, wrapped: Wrapped, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    """Of a request that the client is about to make: how it is read, or None where it is no model call."""
    options = args[1] if len(args) > 1 else kwargs.get("options")
    path = urlsplit(str(get(options, "url") or "")).path
    if str(get(options, "method") or "").lower() != "post" or path != "/v1/messages":
        return None
    call = Call(wrapped.sdk, wrapped.provider or provider_of(client), body_of(options).get("model"), "chat")
    return Begun(call, args, kwargs, message, MessageReader() if kwargs.get("stream") else None)


def message(answer: Any) -> Usage:
    return message_usage(answer, get(answer, "usage"))


def message_usage(answer: Any, usage: Any) -> Usage:
    """The input leaves out what a cache read and wrote; what was written is told by how long it is kept."""
    model, id = told(get(answer, "model")), told(get(answer, "id"))
    if usage is None:
        return Usage(model, request_id=id, source="missing")
    hour = count(usage, "cache_creation", "ephemeral_1h_input_tokens")
    written = max(count(usage, "cache_creation_input_tokens"), hour)
    tokens = present(
        {
            "input": count(usage, "input_tokens"),
            "cacheRead": count(usage, "cache_read_input_tokens"),
            "cacheWrite5m": written - hour,
            "cacheWrite1h": hour,
            "output": count(usage, "output_tokens"),
            "reasoning": min(count(usage, "output_tokens_details", "thinking_tokens"), count(usage, "output_tokens")),
        }
    )
    searches, tier = count(usage, "server_tool_use", "web_search_requests"), told(get(usage, "service_tier"))
    return Usage(
        model,
        tokens,
        units={"web_search": searches} if searches else {},
        request_id=id,
        service_tier="default" if tier == "standard" else tier,
    )


class MessageReader(Reader):
    """The first event tells what went in, the last ones how much has come out; each figure is of the whole call."""

    def __init__(self) -> None:
        self.message: Any = None
        self.told: dict[str, Any] = {}

    def see(self, piece: Any) -> object:
        kind = get(piece, "type")
        if kind == "message_start":
            self.message = get(piece, "message")
            self._add(get(self.message, "usage"))
        elif kind == "message_delta":
            self._add(get(piece, "usage"))
            self.is_whole = True
        return None

    def _add(self, usage: Any) -> None:
        for name in FIGURES:
            if (value := get(usage, name)) is not None:
                self.told[name] = value

    def usage(self) -> Usage | None:
        if self.message is None:
            return None
        found = message_usage(self.message, self.told)
        if not self.is_whole:  # what came out is not told yet
            found.source = "missing"
        return found


FIGURES = (
    *("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "output_tokens"),
    *("output_tokens_details", "server_tool_use", "service_tier"),
)
