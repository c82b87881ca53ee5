"""One model call, from its beginning until its answer is read: when, how long, for whom, and what it used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tokentra_sdk import context
from tokentra_sdk.ids import minted
from tokentra_sdk.texts import LONGEST_ID, LONGEST_NAME, MOST_TAGS, text
from tokentra_sdk.usage import Usage

if TYPE_CHECKING:
    from tokentra_sdk.client import TokenTra

MOST = 10**12
CANCELLED = (asyncio.CancelledError, CancelledError, KeyboardInterrupt, GeneratorExit, SystemExit)


class Call:
    """Ends once, however often it is told to. Its id and time are made here, and stay."""

    __slots__ = (
        *("at", "began", "came_at", "context", "first", "id", "is_ended", "is_streaming", "is_timed"),
        *("model", "operation", "provider", "sdk"),
    )

    def __init__(self, sdk: TokenTra, provider: str, model: object, operation: str) -> None:
        self.sdk, self.provider, self.operation = sdk, provider, operation
        self.model = model if isinstance(model, str) and model.strip() else "unknown"
        self.is_streaming = self.is_ended = False
        self.is_timed = True
        self.at, self.began, self.first = time.time(), time.perf_counter(), 0.0
        self.came_at = 0.0
        self.id = minted(int(self.at * 1000))
        self.context = context.current()

    def named(self, id: str, at: float) -> None:
        """It was made before, and may be told of again: with the provider's id and time it counts once."""
        self.id, self.at, self.is_timed = id[:LONGEST_ID], at, False

    def begin_anew(self) -> None:
        """What was waited for before it was made is no part of it."""
        self.began = time.perf_counter()

    def forget(self) -> None:
        """There is nothing to tell."""
        self.is_ended = True

    def came(self) -> None:
        """The first piece of a stream is here."""
        if not self.first:
            self.first = time.perf_counter()

    def answered(self) -> None:
        """The answer is here; the program may take its time to read it."""
        self.came_at = time.perf_counter()

    def succeeded(self, usage: Usage | None) -> None:
        self._end(usage, "ok")

    def stopped(self, usage: Usage | None) -> None:
        """Whoever asked for a stream reads no further."""
        self._end(usage, "cancelled")

    def failed(self, error: BaseException, usage: Usage | None = None) -> None:
        status = "cancelled" if isinstance(error, CANCELLED) else "timeout" if is_timeout(error) else "error"
        self._end(usage, status, error)

    def _end(self, usage: Usage | None, status: str, error: BaseException | None = None) -> None:
        if self.is_ended:
            return
        self.is_ended = True
        if self.context.calls is not None:
            self.context.calls.latest = self.id
        latency = (self.came_at or time.perf_counter()) - self.began
        found = usage or Usage(source="missing")
        said: dict[str, Any] = {
            "id": self.id,
            "occurredAt": instant(self.at),
            "provider": self.provider,
            "model": text(found.model or self.model),
            "operation": self.operation,
            "status": status,
            "streaming": self.is_streaming,
        }
        if self.is_timed:
            said["latencyMs"] = round(latency * 1000)
        if self.first:
            said["timeToFirstTokenMs"] = round((self.first - self.began) * 1000)
        if usage is not None or status != "error" or self.first:  # what is refused at once has used nothing
            said["usageSource"] = found.source
        if error is not None:
            said["errorCode"] = code_of(error)
        if request_id := found.request_id or (getattr(error, "request_id", None) if error else None):
            said["requestId"] = text(request_id)
        self.sdk.send(said, found, self.context)


def instant(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def used(usage: Usage, said: dict[str, Any]) -> None:
    """What a call used, as the event says it."""
    tokens = {name: min(tokens, MOST) for name, tokens in usage.tokens.items() if tokens >= 0}
    if tokens or not usage.units:
        said["tokens"] = tokens
    if usage.units:
        said["units"] = {name: number for name, number in usage.units.items() if 0 <= number <= MOST}
    if usage.service_tier:
        said["serviceTier"] = text(usage.service_tier)


def attributed(attribution: context.Attribution, said: dict[str, Any], tags: Mapping[str, str]) -> None:
    """What the code around a call says of it; what a call itself says comes first."""
    for name, value in attribution.fields.items():
        said.setdefault(name, value)
    every = {**attribution.tags, **{text(name, LONGEST_NAME): text(value) for name, value in tags.items()}}
    if every:
        said["tags"] = dict(list(every.items())[:MOST_TAGS])


def is_timeout(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower()


def code_of(error: BaseException) -> str:
    """The kind of an error: its message may hold what was asked."""
    response = getattr(error, "response", None)
    if isinstance(response, Mapping):  # botocore's
        code = response.get("Error", {}).get("Code")
        if isinstance(code, str) and code:
            return text(code)
    return type(error).__name__
