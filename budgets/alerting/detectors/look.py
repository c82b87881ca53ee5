"""What one look at an organization knows: its days as they count, read once for all rules."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property

from accounts.models import Organization
from budgets.rules.anomaly import LOOKS_BACK
from budgets.scopes import COUNTED, MEASURED, OF_LEDGER, PROVIDER
from tokentra.lib.periods import Period
from usage import freshness, stats
from usage.counting import end_of
from usage.figures import Question
from usage.measured import MeasuredDay
from usage.names import Names

DAY = timedelta(days=1)
ZERO = Decimal(0)
MOST_VALUES = 200  # of one dimension, the dearest of the day first

Days = dict[date, Decimal]


@dataclass
class Look:
    """Inside the organization's scope."""

    organization: Organization
    now: datetime
    unsure: list[str] = field(default_factory=list)  # keys of which cannot be told now whether they are so
    _by: dict[str, dict[str, Days]] = field(default_factory=dict)

    @cached_property
    def names(self) -> Names:
        return Names(self.organization)

    @cached_property
    def accounts(self) -> list[freshness.Reach]:
        return [each for each in freshness.reaches(self.organization) if not each.ended_at]

    @cached_property
    def measured(self) -> freshness.Measured | None:
        return freshness.measured(self.organization)

    @cached_property
    def last_day(self) -> date | None:
        """The newest UTC day that every account has been read to the end of; None before there is one."""
        yesterday = self.now.astimezone(UTC).date() - DAY
        if self.accounts:
            until = freshness.fresh_until(self.accounts)
            if until is None:
                return None
            day = until.astimezone(UTC).date() - DAY
            return min(day, yesterday)
        return yesterday if self.measured else None

    @cached_property
    def last_zone_day(self) -> date:
        """The newest day of the organization's zone that is over, for what its code measured."""
        from zoneinfo import ZoneInfo

        return self.now.astimezone(ZoneInfo(self.organization.timezone)).date() - DAY

    def last_of(self, ledger: str) -> date | None:
        return self.last_day if ledger == COUNTED else self.last_zone_day if self.measured else None

    @cached_property
    def total(self) -> Days:
        """What counts by UTC day, over as many days as an unusual one is told by."""
        if self.last_day is None:
            return {}
        period = self.period(self.last_day)
        return dict(stats.costs(self.organization, Question(period, group_by=("day",))))

    def by(self, dimension: str) -> dict[str, Days]:
        """The same for each value of a dimension; of what only code says, what it measured by days of the zone."""
        if dimension not in self._by:
            self._by[dimension] = self._read(dimension)
        return self._by[dimension]

    def _read(self, dimension: str) -> dict[str, Days]:
        last = self.last_of(ledger_of(dimension))
        found: dict[str, Days] = defaultdict(dict)
        if last is None:
            return found
        period = self.period(last)
        if ledger_of(dimension) == COUNTED:
            for day, value, cost in stats.costs(self.organization, Question(period, group_by=("day", dimension))):
                found[str(value)][day] = cost
        else:
            rows = MeasuredDay.objects.owned_by(self.organization).filter(
                dimension=dimension, by="", currency="USD", day__gte=period.first_day, day__lt=period.end_day
            )
            for day, value, cost in rows.values_list("day", "value", "amount"):
                found[value][day] = found[value].get(day, ZERO) + cost
        return found

    def period(self, last: date) -> Period:
        first = last - DAY * LOOKS_BACK
        return Period(datetime.combine(first, time.min, UTC), end_of(last))


def ledger_of(dimension: str) -> str:
    """What a bill or a provider's usage tells apart is taken from what counts, the rest from what was measured."""
    return COUNTED if dimension in (PROVIDER, *OF_LEDGER[COUNTED]) else MEASURED


def series(days: Days, last: date) -> list[Decimal]:
    """From the first day that is known up to `last`, with nothing for days on which there was nothing."""
    if not days:
        return []
    first = min(days)
    return [days.get(first + DAY * number, ZERO) for number in range((last - first).days + 1)]
