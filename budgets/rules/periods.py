"""Which period an instant lies in: calendar-true in a zone, a period being the instants between two of them. Pure.

Each instant lies in exactly one period of a budget, and each period ends where the next begins (B57).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FURTHEST = timedelta(hours=36)  # that a zone's day begins away from midnight in UTC, with a whole day left out


class Every(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Rule:
    """How often a budget begins anew. `anchor` and `months` are those of a custom one: its days of beginning are the
    anchor's day of each `months`-th month, or the month's last day where it has no such day."""

    every: Every
    anchor: date = date(2000, 1, 1)
    months: int = 1


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from `start` up to, not including, `end`; the days from `first_day` up to, not including, `end_day`
    of the zone."""

    first_day: date
    end_day: date
    start: datetime
    end: datetime

    @property
    def last_day(self) -> date:
        return self.end_day - DAY

    @property
    def days(self) -> list[date]:
        return [self.first_day + DAY * n for n in range((self.end_day - self.first_day).days)]

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def span_at(moment: datetime, zone: ZoneInfo, rule: Rule) -> Span:
    """The period that an instant lies in.

    The days of a zone are not always in order: where clocks go back over midnight, some instants have the date of a
    day that is over. They lie in the period that goes on then.
    """
    span = span_of(moment.astimezone(zone).date(), zone, rule)
    while moment >= span.end:
        span = span_of(span.end_day, zone, rule)
    while moment < span.start:
        span = span_of(span.first_day - DAY, zone, rule)
    return span


def span_of(day: date, zone: ZoneInfo, rule: Rule) -> Span:
    """The period that a day of the zone belongs to; empty where the zone left out all of its days."""
    first_day, end_day = days_around(day, rule)
    return Span(first_day, end_day, begins(zone, first_day), begins(zone, end_day))


def before(span: Span, zone: ZoneInfo, rule: Rule) -> Span:
    """The period that ended where this one begins."""
    return span_at(span.start - SECOND, zone, rule)


def after(span: Span, zone: ZoneInfo, rule: Rule) -> Span:
    return span_at(span.end, zone, rule)


def back_from(span: Span, zone: ZoneInfo, rule: Rule) -> Iterator[Span]:
    """The periods before this one, the newest first, without end."""
    while True:
        span = before(span, zone, rule)
        yield span


def days_around(day: date, rule: Rule) -> tuple[date, date]:
    """The first day of the day's period and the first one of the next. Weeks begin on Monday."""
    match rule.every:
        case Every.DAY:
            return day, day + DAY
        case Every.WEEK:
            monday = day - DAY * day.weekday()
            return monday, monday + 7 * DAY
        case Every.MONTH:
            return months_around(day, date(2000, 1, 1), 1)
        case Every.QUARTER:
            return months_around(day, date(2000, 1, 1), 3)
        case Every.CUSTOM:
            return months_around(day, rule.anchor, rule.months)


def months_around(day: date, anchor: date, months: int) -> tuple[date, date]:
    turn = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    if clamped(anchor, turn * months) > day:
        turn -= 1
    return clamped(anchor, turn * months), clamped(anchor, (turn + 1) * months)


def clamped(anchor: date, months: int) -> date:
    """So many months after the anchor, on its day of the month or on the last one there is."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    last = (first.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    return first.replace(day=min(anchor.day, last.day))


@lru_cache(maxsize=20_000)
def begins(zone: ZoneInfo, day: date) -> datetime:
    """The first instant, in UTC, at which a zone's clocks show this day or, where they never do, a later one."""
    guess = datetime.combine(day, time.min, zone).astimezone(UTC)
    if is_begun(guess, zone, day) and not is_begun(guess - SECOND, zone, day):
        return guess
    not_yet, begun = guess - FURTHEST, guess + FURTHEST
    while begun - not_yet > SECOND:
        middle = (not_yet + (begun - not_yet) / 2).replace(microsecond=0)
        not_yet, begun = (not_yet, middle) if is_begun(middle, zone, day) else (middle, begun)
    return begun


def is_begun(moment: datetime, zone: ZoneInfo, day: date) -> bool:
    return moment.astimezone(zone).date() >= day
