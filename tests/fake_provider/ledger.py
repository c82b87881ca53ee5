"""Facts by hour, and rows added up by fewer dimensions; built once and rebuilt when a fact changes."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from operator import attrgetter
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from .world import HOUR


class Dated(Protocol):
    @property
    def at(self) -> int: ...


F = TypeVar("F", bound=Dated)
T = TypeVar("T")


class Ledger(Generic[F]):
    """An index over a list that tests may change under it; frozen facts make comparing cheap."""

    def __init__(self, source: Callable[[], list[F]]) -> None:
        self._source = source
        self._indexed: list[F] | None = None
        self._hours: dict[int, list[F]] = {}
        self._lock = Lock()
        self.version = 0

    def refresh(self) -> int:
        """Take notice of changes; the number names this state of the facts."""
        with self._lock:
            facts = self._source()
            if self._indexed != facts:
                self._indexed = list(facts)
                hours: dict[int, list[F]] = defaultdict(list)
                for fact in self._indexed:
                    hours[fact.at // HOUR].append(fact)
                self._hours = dict(hours)
                self.version += 1
            return self.version

    def between(self, start: int, end: int) -> Iterable[F]:
        """Facts of a half-open window."""
        hours = self._hours
        for hour in range(start // HOUR, -(-end // HOUR)):
            whole = hour * HOUR >= start and (hour + 1) * HOUR <= end
            for fact in hours.get(hour, ()):
                if whole or start <= fact.at < end:
                    yield fact


def columns(names: Iterable[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A getter of these attributes that is a tuple for any number of them."""
    wanted = tuple(names)
    if not wanted:
        return lambda fact: ()
    getter = attrgetter(*wanted)
    if len(wanted) == 1:
        return lambda fact: (getter(fact),)
    return getter


def added_up(
    facts: Iterable[Any], dimensions: Iterable[str], measures: Iterable[str]
) -> dict[tuple[Any, ...], list[int]]:
    """The sum of every measure for each combination of dimension values."""
    key_of, numbers_of = columns(dimensions), columns(measures)
    rows: dict[tuple[Any, ...], list[int]] = {}
    for fact in facts:
        key = key_of(fact)
        row = rows.get(key)
        if row is None:
            rows[key] = list(numbers_of(fact))
        else:
            for place, number in enumerate(numbers_of(fact)):
                if number:
                    row[place] += number
    return rows


def in_order(key: tuple[Any, ...]) -> tuple[tuple[bool, str], ...]:
    """A sort key for tuples that hold null, text and truth values."""
    return tuple((value is not None, str(value)) for value in key)


class Remembered(Generic[T]):
    """The last answers, so that the next page of a query need not add everything up again."""

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made
