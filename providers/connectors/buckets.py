"""Collects time buckets over pages: one that comes twice counts once, a missing one is noticed. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from providers.connectors.reading import BadRow, moments

LATE = timedelta(minutes=15)  # how long after its end a bucket may still be on its way
LISTED = 20  # problems named in full; the others are counted

Row = dict[str, Any]


@dataclass
class Problems:
    """What could not be read, in sentences that fit on a page."""

    listed: list[str] = field(default_factory=list)
    more: int = 0
    left_out: int = 0
    odd: Any = None  # the first piece of an answer that was not understood

    def note(self, what: str, *, leaves_out: int = 1, came: Any = None) -> None:
        """`leaves_out` says how many rows or buckets of the answer are not stored because of what came."""
        self.left_out += leaves_out
        self.odd = came if self.odd is None else self.odd
        if len(self.listed) < LISTED:
            self.listed.append(what)
        else:
            self.more += 1

    def all(self) -> tuple[str, ...]:
        return (*self.listed, f"and {self.more:,} more") if self.more else tuple(self.listed)


@dataclass
class Buckets:
    """The results of each bucket of one window."""

    start: datetime
    end: datetime
    seconds: int
    problems: Problems = field(default_factory=Problems)
    _results: dict[datetime, list[Any]] = field(default_factory=dict)

    def add(self, data: Iterable[Any], *, start_of: Callable[[Row], datetime]) -> None:
        for bucket in data:
            try:
                if not isinstance(bucket, dict) or not isinstance(bucket.get("results"), list):
                    raise BadRow("it has no list of results")
                start = start_of(bucket)
            except BadRow as reason:
                self.problems.note(f"A bucket could not be read: {reason}.", came=bucket)
                continue
            if not self.start <= start < self.end:
                self.problems.note(f"{_when(start)} came, which was not asked for.", came=bucket)
                continue
            self._results[start] = bucket["results"]

    @property
    def is_empty(self) -> bool:
        return not self._results

    def missing(self, now: datetime) -> list[datetime]:
        """Buckets that ended a while ago and did not come."""
        length = timedelta(seconds=self.seconds) + LATE
        wanted = moments(self.start, self.end, seconds=self.seconds)
        return [start for start in wanted if start + length <= now and start not in self._results]

    def note_missing(self, now: datetime) -> None:
        missing = self.missing(now)
        if missing:
            what = "bucket is" if len(missing) == 1 else "buckets are"
            self.problems.note(f"{len(missing)} {what} missing, the first at {_when(missing[0])}.", leaves_out=0)

    def results(self) -> Iterator[tuple[datetime, Row]]:
        for start in sorted(self._results):
            for result in self._results[start]:
                if isinstance(result, dict):
                    yield start, result
                else:
                    self.bad(start, result, "it is not an object")

    def bad(self, start: datetime, row: Any, reason: object, *, leaves_out: int = 1) -> None:
        sentence = f"A row of {_when(start)} could not be read: {reason}."
        self.problems.note(sentence, leaves_out=leaves_out, came=row)


def _when(start: datetime) -> str:
    return f"{start:%Y-%m-%d %H:%M} UTC"
