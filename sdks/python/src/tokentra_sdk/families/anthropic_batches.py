"""Batches of Anthropic: each result that a program reads is one call, at the price of batches."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Optional

from tokentra_sdk.calls import Call
from tokentra_sdk.families.anthropic_messages import message
from tokentra_sdk.usage import Usage, get, told
from tokentra_sdk.watching import Begun, Reader, Wrapped

PLACE = re.compile(r"/v1/messages/batches/([^/]+)(/results)?$")
ENDED, MOST_KEPT = "_tokentra_batches_ended", 1_000


def begun_batch(client: Any, wrapped: Wrapped, provider: str, path: str) -> Begun | None:
    """Where a batch is looked at, it says when it ended; where its results are read, what each call used."""
    place = PLACE.search(path)
    if place is None:
        return None
    id, is_results = place.groups()
    ended: dict[str, float] = client.__dict__.setdefault(ENDED, {})
    call = Call(wrapped.sdk, provider, None, "chat")
    call.forget()  # to look and to read is no model call

    def remember(answer: Any) -> None:
        if len(ended) >= MOST_KEPT:
            ended.clear()
        if (at := moment(get(answer, "ended_at"))) is not None:
            ended[id] = at

    reader = ResultsReader(wrapped, provider, ended.get(id)) if is_results else None
    return Begun(call, (), {}, remember, reader)


def moment(value: Any) -> Optional[float]:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value.timestamp() if isinstance(value, datetime) else None


class ResultsReader(Reader):
    """Each result is known by Anthropic's id and the time at which the batch ended: read again, it counts once."""

    def __init__(self, wrapped: Wrapped, provider: str, at: float | None) -> None:
        self.wrapped, self.provider, self.at = wrapped, provider, at

    def see(self, piece: Any) -> object:
        answer = get(piece, "result", "message")
        id = told(get(answer, "id"))
        if get(piece, "result", "type") != "succeeded" or id is None:
            return None
        call = Call(self.wrapped.sdk, self.provider, get(answer, "model"), "chat")
        call.named(id, self.at or call.at)
        found = message(answer)
        found.service_tier = "batch"
        call.succeeded(found)
        return None

    def usage(self) -> Usage | None:
        return None
