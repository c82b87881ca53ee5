"""The stretch that a measured page shows: days in the organization's zone, or the last 24 hours."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict

from accounts.models import Organization
from tokentra.lib.periods import DAY, Period, period
from usage.forms import Lens
from usage.measuring.dimensions import dimension_of
from usage.plan_reach import look

HOURS_UP_TO = timedelta(days=2)


@dataclass(frozen=True)
class Span:
    """`period` holds days as if they were of UTC, though they are the zone's; by hours it holds real instants."""

    period: Period
    zone: ZoneInfo
    today: date
    now: datetime

    @property
    def by_hour(self) -> bool:
        return not self.period.is_whole_days

    @property
    def first_day(self) -> date:
        return self._day(self.period.start)

    @property
    def last_day(self) -> date:
        return self._day(self.period.end - timedelta(microseconds=1))

    @property
    def end_day(self) -> date:
        return self.last_day + DAY

    @property
    def start(self) -> datetime:
        return self._instant(self.period.start)

    @property
    def end(self) -> datetime:
        return self._instant(self.period.end)

    @property
    def words(self) -> str:
        """Where its days or hours are those of the clock."""
        return f"in {self.zone.key.replace('_', ' ')}"

    @property
    def in_whole_days(self) -> "Span":
        """All days that it touches, for what is kept by day only."""
        if not self.by_hour:
            return self
        first, end = (datetime.combine(day, time.min, UTC) for day in (self.first_day, self.end_day))
        return replace(self, period=Period(first, end))

    def as_kept(self, dimension: str) -> "Span":
        """In whole days where this dimension is kept by day only."""
        return self if dimension_of(dimension).by_hour else self.in_whole_days

    @property
    def days_note(self) -> str:
        """Said of figures that are kept by day where the page shows hours."""
        if not self.by_hour:
            return ""
        days = dict.fromkeys(f"{day:%-d %b}" for day in (self.first_day, self.last_day))
        return f"Kept by day: all of {' and '.join(days)}."

    def _day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date() if self.by_hour else at.date()

    def _instant(self, at: datetime) -> datetime:
        return at if self.by_hour else at.replace(tzinfo=self.zone).astimezone(UTC)


def of(chosen: Period, timezone: str, now: datetime) -> Span:
    zone = ZoneInfo(timezone)
    return Span(chosen, zone, now.astimezone(zone).date(), now)


def wall(timezone: str, now: datetime) -> datetime:
    """What the clock of a zone shows, as if it were UTC."""
    return now.astimezone(ZoneInfo(timezone)).replace(tzinfo=UTC)


def read(query: QueryDict, organization: Organization, now: datetime, *extra: str) -> tuple[Lens, Span]:
    """What the address asks for, in the organization's zone, as far as its plan shows it."""
    timezone = organization.timezone
    lens = replace(look(query, organization, wall(timezone, now), *extra), filters={})
    if lens.period.preset == "24h":
        lens = replace(lens, period=period("24h", now))
    return lens, of(lens.period, timezone, now)
