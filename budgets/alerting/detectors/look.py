"""What one look at an organization knows: its days as they count, read once for all rules."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from accounts.models import Organization
from budgets.alerting.models import AlertRule
from budgets.rules.anomaly import LOOKS_BACK
from budgets.scopes import COUNTED, MEASURED, OF_LEDGER, PROVIDER
from tokentra.lib.periods import Period
from usage import freshness, stats
from usage.counting import end_of
from usage.figures import Question
from usage.measured import MeasuredDay
from usage.models import Label
from usage.names import Names, provider_name

DAY = timedelta(days=1)
# A bill counts a day after its own ended and is read some hours later: that old are figures without any trouble.
BEHIND = timedelta(hours=60)
REREAD = 4  # days before the last look that are looked at again: those that were not known to their end by then
MOST_DAYS = 14  # that are looked at behind one another after a long silence
ZERO = Decimal(0)
MOST_VALUES = 200  # of one dimension, the dearest of the day first

Days = dict[date, Decimal]


@dataclass
class Look:
    """Inside the organization's scope. `since` is when it was last looked; without it, only newest days are."""

    organization: Organization
    now: datetime
    since: datetime | None = None
    unsure: list[str] = field(default_factory=list)  # keys of which cannot be told now whether they are so
    _by: dict[str, dict[str, Days]] = field(default_factory=dict)

    @cached_property
    def names(self) -> Names:
        return Names(self.organization)

    @cached_property
    def accounts(self) -> list[freshness.Reach]:
        return [each for each in freshness.reaches(self.organization) if not each.ended_at]

    @cached_property
    def left_out(self) -> list[freshness.Reach]:
        """Accounts whose figures stand still, so that the others need not wait for them; none where all do."""
        behind = [each for each in self.accounts if not each.until or each.until < self.now - BEHIND]
        return behind if len(behind) < len(self.accounts) else []

    @cached_property
    def without(self) -> str:
        """The sentence that names them; "" where none is left out."""
        if not self.left_out:
            return ""
        mine = Label.objects.owned_by(self.organization).filter(dimension="connection").exclude(name="")
        names = dict(mine.values_list("value", "name"))
        said = [
            f"{names.get(str(each.connection_id)) or provider_name(each.provider)} ({known_up_to(each)})"
            for each in self.left_out
        ]
        return f"It is without accounts whose figures stand still: {', '.join(said)}."

    @cached_property
    def measured(self) -> freshness.Measured | None:
        return freshness.measured(self.organization)

    @cached_property
    def last_day(self) -> date | None:
        """The newest UTC day that every account that is not left out is known to the end of; None before there is
        one."""
        yesterday = self.now.astimezone(UTC).date() - DAY
        if self.accounts:
            until = freshness.fresh_until([each for each in self.accounts if each not in self.left_out])
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

    def days(self, ledger: str, rule: AlertRule) -> list[date]:
        """Those that a rule looks at: the newest one, after those that became known since it was last looked.

        A day that is looked at again is found again, which tells nothing. Days from before the rule stay out.
        """
        last = self.last_of(ledger)
        if last is None:
            return []
        first = last
        if self.since:
            began = max(self.since.date() - DAY * REREAD, rule.created_at.date() - DAY, last - DAY * (MOST_DAYS - 1))
            first = min(last, began)
        return [first + DAY * number for number in range((last - first).days + 1)]

    @cached_property
    def total(self) -> Days:
        """What counts by UTC day, over as many days as an unusual one is told by."""
        if self.last_day is None:
            return {}
        return {day: cost for (day,), cost in self._counted(self.last_day, ("day",)).items()}

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
        if ledger_of(dimension) == COUNTED:
            for (day, value), cost in self._counted(last, ("day", dimension)).items():
                found[str(value)][day] = cost
        else:
            period = self.period(last)
            rows = (
                MeasuredDay.objects.owned_by(self.organization)
                .of(dimension)
                .filter(currency="USD", day__gte=period.first_day, day__lt=period.end_day)
            )
            for day, value, cost in rows.values_list("day", "value", "amount"):
                found[value][day] = found[value].get(day, ZERO) + cost
        return found

    def _counted(self, last: date, by: tuple[str, ...]) -> dict[tuple[Any, ...], Decimal]:
        """Costs by keys, without those of accounts that are left out."""
        period = self.period(last)
        found = {tuple(keys): cost for *keys, cost in stats.costs(self.organization, Question(period, group_by=by))}
        if self.left_out:
            theirs = {"connection": tuple(str(each.connection_id) for each in self.left_out)}
            for *keys, cost in stats.costs(self.organization, Question(period, group_by=by, filters=theirs)):
                found[tuple(keys)] -= cost
        return found

    def period(self, last: date) -> Period:
        """As many days as the oldest of those that are looked at is told by."""
        first = last - DAY * (LOOKS_BACK + (MOST_DAYS if self.since else 0))
        return Period(datetime.combine(first, time.min, UTC), end_of(last))


def known_up_to(account: freshness.Reach) -> str:
    return (
        f"known up to {account.until - DAY:%-d %B}" if account.until else "nothing is known of it to the end of a day"
    )


def ledger_of(dimension: str) -> str:
    """What a bill or a provider's usage tells apart is taken from what counts, the rest from what was measured."""
    return COUNTED if dimension in (PROVIDER, *OF_LEDGER[COUNTED]) else MEASURED


def series(days: Days, last: date) -> list[Decimal]:
    """From the first day that is known up to `last`, with nothing for days on which there was nothing."""
    if not days:
        return []
    first = min(days)
    return [days.get(first + DAY * number, ZERO) for number in range((last - first).days + 1)]
