"""What TokenTra answers to the question whether a call may be made, and for how long an answer serves others."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from tokentra_sdk.posting import read, told_wait
from tokentra_sdk.refusals import CallRefused, refusal

LONGEST_KEPT, MOST_KEPT = 60.0, 1_000
FIRST_REST, LONGEST_REST, WRONG_REST = 1.0, 60.0, 60.0  # seconds


@dataclass(frozen=True)
class Verdict:
    """`refused` says why the call may not be made; `delay` how many seconds it waits before it is."""

    refused: Optional[CallRefused] = None
    delay: float = 0.0
    keeps: float = 0.0  # seconds for which calls like this one need not ask


@dataclass(frozen=True)
class Silence:
    """No verdict. `rest`: seconds for which nobody asks; None where one more failure decides."""

    sentence: str
    rest: Optional[float] = None
    is_of_call: bool = False  # another call may be answered


def verdict_of(status: int, body: bytes, retry_after: str | None = None) -> Verdict | Silence:
    told = read(body)
    said = told.get("error")
    error = said if isinstance(said, Mapping) else {}
    if status == 200 and told.get("verdict") in ("allow", "warn"):
        keeps = 0.0 if told.get("reservationId") else number(told.get("ttlSeconds"))
        return Verdict(None, number(told.get("delayMs")) / 1000, min(keeps, LONGEST_KEPT))
    if status == 402 and error.get("verdict") == "block":
        return Verdict(refusal(error), 0.0, min(number(error.get("ttlSeconds")), LONGEST_KEPT))
    sentence = f"The check answered {status}. {error.get('message') or ''}".strip()
    if status in (400, 413, 422):
        return Silence(sentence, is_of_call=True)
    if status in (429, 503) and error:
        return Silence(sentence, rest=max(told_wait(retry_after) or 0.0, FIRST_REST))
    if 300 <= status < 500:
        return Silence(sentence, rest=WRONG_REST)  # a key or an address that somebody has to set right
    return Silence(sentence)


def number(said: Any) -> float:
    is_one = isinstance(said, (int, float)) and not isinstance(said, bool) and 0 <= said < 1e9
    return float(said) if is_one else 0.0


Size = tuple[float, ...]  # what goes in, what may come out, what it may cost


class Known:
    """Answers by kind of call. One that allows serves calls that are no larger, one that refuses those no smaller."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Hashable, bool], tuple[float, Size, Verdict]] = {}

    def find(self, kind: Hashable, size: Size) -> Verdict | None:
        now = time.monotonic()
        for is_refusal in (True, False):
            until, of, verdict = self._kept.get((kind, is_refusal), NOTHING)
            if until <= now or len(of) != len(size):
                continue
            serves = zip(of, size) if is_refusal else zip(size, of)
            if all(less <= more for less, more in serves):
                return verdict
        return None

    def keep(self, kind: Hashable, size: Size, verdict: Verdict) -> None:
        if not verdict.keeps:
            return
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[kind, verdict.refused is not None] = time.monotonic() + verdict.keeps, size, verdict


NOTHING: tuple[float, Size, Verdict] = (0.0, (), Verdict())


class Breaker:
    """After one failure nobody waits for TokenTra: one call at a time finds out whether it is back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.failures, self._not_before, self._is_probing = 0, 0.0, False

    def may_ask(self) -> bool:
        with self._lock:
            if not self.failures:
                return True
            if self._is_probing or time.monotonic() < self._not_before:
                return False
            self._is_probing = True
            return True

    @property
    def is_closed(self) -> bool:
        return self.failures == 0

    def worked(self) -> None:
        with self._lock:
            self.failures, self._is_probing = 0, False

    def failed(self, rest: float | None) -> None:
        with self._lock:
            self.failures += 1
            doubled: float = min(FIRST_REST * 2.0 ** min(self.failures - 1, 16), LONGEST_REST)
            self._not_before = time.monotonic() + (doubled if rest is None else rest)
            self._is_probing = False
