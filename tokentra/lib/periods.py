"""Stretches of time that people ask about: half-open, in UTC. Pure; the clock is an argument."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LONGEST = timedelta(days=3 * 366)


class Grain(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Preset:
    key: str
    label: str
    days: int | None = None  # whole UTC days, today included; None: told by its key


PRESETS = (
    Preset("today", "Today", 1),
    Preset("24h", "Last 24 hours"),
    Preset("7d", "Last 7 days", 7),
    Preset("30d", "Last 30 days", 30),
    Preset("90d", "Last 90 days", 90),
    Preset("month", "Month to date"),
    Preset("last_month", "Last month"),
)
PRESET_BY_KEY = {preset.key: preset for preset in PRESETS}


class BadPeriod(ValueError):
    """The asked range cannot be read, is empty or is too long; the text says what to do."""


@dataclass(frozen=True)
class Period:
    """The instants from `start` up to, not including, `end`; both in UTC."""

    start: datetime
    end: datetime
    preset: str = "custom"

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a Period is made of UTC instants")
        if self.end <= self.start:
            raise BadPeriod("Choose an end that is after the start.")

    @property
    def label(self) -> str:
        preset = PRESET_BY_KEY.get(self.preset)
        return preset.label if preset else f"{self.first_day:%-d %b %Y} to {self.last_day:%-d %b %Y}"

    @property
    def is_whole_days(self) -> bool:
        return self.start.time() == time.min and self.end.time() == time.min

    @property
    def first_day(self) -> date:
        return self.start.date()

    @property
    def last_day(self) -> date:
        """The last UTC day that the period touches."""
        return (self.end - timedelta(microseconds=1)).date()

    @property
    def end_day(self) -> date:
        """The first UTC day after the period."""
        return self.last_day + DAY

    @property
    def days(self) -> list[date]:
        return [self.first_day + DAY * n for n in range((self.end_day - self.first_day).days)]

    def previous(self) -> "Period":
        """The equal stretch right before; for month to date, the same days of the month before."""
        if self.preset in ("month", "last_month") and self.is_whole_days and self.start.day == 1:
            start = _first_of(self.start.date() - DAY)
            end = self.start.date() if self.preset == "last_month" else start + (self.end - self.start)
            return Period(_midnight(start), _midnight(min(end, self.start.date())), self.preset)
        return Period(self.start - (self.end - self.start), self.start)

    def steps(self, grain: Grain) -> Iterator[datetime]:
        """The start of each bucket that the period touches; weeks begin on Monday."""
        at = floor(self.start, grain)
        while at < self.end:
            yield at
            at = after(at, grain)


def floor(moment: datetime, grain: Grain) -> datetime:
    """The start of the bucket, in UTC, that a moment lies in."""
    moment = moment.astimezone(UTC)
    if grain is Grain.HOUR:
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.date()
    if grain is Grain.WEEK:
        day -= DAY * day.weekday()
    if grain is Grain.MONTH:
        day = _first_of(day)
    return _midnight(day)


def after(start: datetime, grain: Grain) -> datetime:
    """The start of the next bucket."""
    if grain is Grain.HOUR:
        return start + HOUR
    if grain is Grain.WEEK:
        return start + 7 * DAY
    if grain is Grain.MONTH:
        return _midnight(_first_of(start.date() + 31 * DAY))
    return start + DAY


def period(preset: str, now: datetime) -> Period:
    """One of PRESETS as of `now`; days are UTC days and today counts. Raises BadPeriod for another key."""
    chosen = PRESET_BY_KEY.get(preset)
    if chosen is None:
        raise BadPeriod("Choose one of the periods, or give a start and an end.")
    now = now.astimezone(UTC)
    tomorrow = now.date() + DAY
    if chosen.days:
        return Period(_midnight(tomorrow - DAY * chosen.days), _midnight(tomorrow), preset)
    if preset == "24h":
        end = floor(now, Grain.HOUR) + HOUR
        return Period(end - DAY, end, preset)
    this_month = _first_of(now.date())
    if preset == "month":
        return Period(_midnight(this_month), _midnight(tomorrow), preset)
    return Period(_midnight(_first_of(this_month - DAY)), _midnight(this_month), preset)


def custom(start: str, end: str) -> Period:
    """A half-open range as people and programs write it: dates mean their UTC midnight, else RFC 3339."""
    return between(parse_moment(start), parse_moment(end))


def between(start: datetime, end: datetime) -> Period:
    """Two instants as a range that can be asked for."""
    asked = Period(start, end)
    if asked.end - asked.start > LONGEST:
        raise BadPeriod("Choose a range of at most three years.")
    return asked


def parse_moment(text: str) -> datetime:
    """`2026-01-31` or `2026-01-31T23:59:59Z`; an instant needs its offset."""
    try:
        if len(text) == 10:
            return _midnight(date.fromisoformat(text))
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadPeriod("Write dates as 2026-01-31, or instants as 2026-01-31T23:59:59Z.") from error
    raise BadPeriod("Say the offset of an instant, as in 2026-01-31T23:59:59Z.")


def day_in(zone: ZoneInfo, day: date) -> Period:
    """A calendar day of a zone as instants: 23, 24 or 25 hours long."""
    start = datetime.combine(day, time.min, zone).astimezone(UTC)
    return Period(start, datetime.combine(day + DAY, time.min, zone).astimezone(UTC))


def hours_in(zone: ZoneInfo, span: Period) -> Iterator[tuple[datetime, datetime]]:
    """Each UTC hour of a period with its wall-clock time in a zone; a repeated hour comes twice."""
    for start in span.steps(Grain.HOUR):
        yield start, start.astimezone(zone)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _first_of(day: date) -> date:
    return day.replace(day=1)
