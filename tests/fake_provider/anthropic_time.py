"""RFC 3339 times as Anthropic reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from .wire import Refused


def parse_time(name: str, text: str) -> int:
    """Unix seconds of a timestamp with an offset; a bare date or a naive time is refused."""
    try:
        # A plus sign that a client did not escape arrives as a blank.
        parsed = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refused(400, f"{name}: Input should be a valid datetime") from None
    if len(text) <= 10 or parsed.tzinfo is None:
        raise Refused(400, f"{name}: Input should have timezone info")
    return int(parsed.timestamp())


def show_time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
