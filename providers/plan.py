"""Which stretches of days are read, in which order and how often. Pure: days and instants are arguments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.connectors.base import Endpoint

HISTORY_DAYS = 90
ON_SCREEN_DAYS = 30
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole UTC days, half-open."""

    start: date
    end: date

    def cut(self, *, earliest: date | None, today: date) -> "Stretch":
        """The part that a provider can answer for: nothing before its first day, nothing after today."""
        start = max(self.start, earliest) if earliest else self.start
        return Stretch(start, min(self.end, today + DAY))

    @property
    def days(self) -> int:
        return max((self.end - self.start).days, 0)

    def halves(self, *, today: date) -> "tuple[Stretch, Stretch] | None":
        """Two that are asked for apart, equal in the days that have begun; None when that is one day only."""
        begun = self.cut(earliest=None, today=today)
        if begun.days < 2:
            return None
        middle = begun.start + timedelta(days=(begun.days + 1) // 2)
        return Stretch(self.start, middle), Stretch(middle, self.end)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def history_from(today: date) -> date:
    return today - timedelta(days=HISTORY_DAYS - 1)


def stretches(endpoint: "Endpoint", *, since: date, today: date) -> list[Stretch]:
    """The grid of one endpoint from its first day to today, newest first.

    The grid is fixed to the calendar, so the same day is always in the same stretch; only the oldest one
    is cut, at the first day that is wanted.
    """
    first = since + timedelta(days=max(HISTORY_DAYS - endpoint.history_days, 0))
    length = endpoint.window_days
    start = date.fromordinal(today.toordinal() // length * length)
    found = []
    while start + timedelta(days=length) > first:
        found.append(Stretch(max(start, first), start + timedelta(days=length)))
        start -= timedelta(days=length)
    return found


def next_due(endpoint: "Endpoint", stretch: Stretch, *, read_at: datetime, today: date) -> datetime | None:
    """When a stretch that was read is read again: often while fresh, then seldom, then never."""
    if stretch.end > today - timedelta(days=endpoint.hot_days):
        return read_at + endpoint.hot_every
    if stretch.end > today - timedelta(days=endpoint.deep_days):
        return read_at + endpoint.deep_every
    return None


def rank(stretch: Stretch, position: int, *, today: date) -> tuple[bool, int, int]:
    """What the first screen shows comes first, the newest of it before the rest; ties by endpoint."""
    is_old = stretch.end <= today - timedelta(days=ON_SCREEN_DAYS)
    return is_old, -min(stretch.end, today + DAY).toordinal(), position


def days_covered(read: Iterable[Iterable[Stretch]]) -> int:
    """How many days every endpoint has been read for; each item is what one endpoint has."""
    sets = [
        {day for stretch in one for day in range(stretch.start.toordinal(), stretch.end.toordinal())} for one in read
    ]
    return len(set.intersection(*sets)) if sets else 0
