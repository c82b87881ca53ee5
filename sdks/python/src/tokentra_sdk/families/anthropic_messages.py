"""What a message of Anthropic's says of its usage, whole and streamed, wherever its models run."""

from __future__ import annotations

from typing import Any, Callable

from tokentra_sdk.usage import Usage, count, get, present, told
from tokentra_sdk.watching import Reader


def message(answer: Any) -> Usage:
    return message_usage(answer, get(answer, "usage"))


def message_elsewhere(answer: Any, usage: Any) -> Usage:
    """On a cloud the name that was asked for says more: where the model runs, and so what it costs."""
    found = message_usage(answer, usage)
    found.model = None
    return found


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
    tier = told(get(usage, "service_tier"))
    tools = {name: count(usage, "server_tool_use", f"{name}_requests") for name in ("web_search", "web_fetch")}
    return Usage(
        model,
        tokens,
        units={name: number for name, number in tools.items() if number},
        request_id=id,
        service_tier="default" if tier == "standard" else tier,
    )


class MessageReader(Reader):
    """The first event tells what went in, the last ones how much has come out; each figure is of the whole call."""

    def __init__(self, whole: Callable[[Any, Any], Usage] = message_usage) -> None:
        self.whole = whole
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
        found = self.whole(self.message, self.told)
        if not self.is_whole:  # what came out is not told yet
            found.source = "missing"
        return found


FIGURES = (
    *("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "output_tokens"),
    *("output_tokens_details", "server_tool_use", "service_tier"),
)
