"""The dashboard: a period's figures, each with what it rests on, put together from a handful of queries."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.urls import reverse

from accounts.models import Organization
from tokentra.lib import money
from tokentra.lib.charts import MOST_SERIES, Chart, Part, Rank, other_name, rank
from tokentra.lib.periods import Period
from usage import plan_reach, stats, trend
from usage.choices import Choice, Known, chips
from usage.comparing import Days, Pair, ReadDay, change, pair, written
from usage.figures import Figures
from usage.forms import FILTERS, OFFERED, Chip, Lens, Segment
from usage.freshness import Measured, Reach, measured, reaches, read_until
from usage.models import LedgerDay
from usage.names import Names, provider_name
from usage.reach_in_words import Fresh, Gap, and_list, fresh, gaps
from usage.without_price import WithoutPrice

HISTORY_DAYS = 85  # of the ninety that a first reading goes back
RECENT_DAYS = 29
LATE = timedelta(hours=3)
STILL_READING = timedelta(minutes=5)
EXTRA = ("stack",)
HOURS = "hours"
STACKS = {"model": "Model", "provider": "Provider"}


@dataclass(frozen=True)
class Headline:
    """One of the three figures on top."""

    now: Decimal | int | None
    change: Decimal | None
    against: str
    no_change: str
    note: str = ""


@dataclass(frozen=True)
class Dearest:
    """What cost the most, and how many others there are: none, or more than one."""

    shown: list[stats.Ranked]
    others: int

    @classmethod
    def of(cls, found: list[stats.Ranked], number: int) -> "Dearest":
        is_whole = number <= MOST_SERIES + 1
        return cls(found, 0) if is_whole else cls(found[:MOST_SERIES], number - MOST_SERIES)


class Board:
    """Everything that the page says about a period, read inside the organization's scope."""

    def __init__(self, organization: Organization, lens: Lens, now: datetime) -> None:
        self.organization, self.lens, self.now = organization, lens, now
        plan_reach.refuse_others(organization, lens.filters, FILTERS)
        self.period = lens.period
        self.today = now.date()
        asked = (lens.extra.get("stack") or ("",))[0]
        self.stack = asked if asked in STACKS else "model"
        self.names = Names(organization)

    @cached_property
    def accounts(self) -> list[Reach]:
        """Of the providers that the filters leave; every account that was ever read."""
        wanted = self.lens.filters.get("provider")
        return [each for each in self.all_accounts if not wanted or each.provider in wanted]

    @cached_property
    def all_accounts(self) -> list[Reach]:
        return reaches(self.organization)

    @cached_property
    def measured(self) -> Measured | None:
        """What stands in for accounts while there are none."""
        return None if self.all_accounts else measured(self.organization)

    @property
    def has_data(self) -> bool:
        return bool(self.all_accounts or self.measured)

    @cached_property
    def total(self) -> Figures:
        return stats.totals(self.organization, self.lens.question())

    @cached_property
    def pair(self) -> Pair | None:
        """What accounts tell is compared as far as they were read, what programs report up to now."""
        return pair(self.period, read_until(self.accounts) if self.accounts else self.now, self.today)

    @cached_property
    def days(self) -> Days:
        """One query for completeness, gaps and hatching."""
        first = min(self.period.first_day, self.pair.before.first_day if self.pair else self.period.first_day)
        held = LedgerDay.objects.owned_by(self.organization).filter(day__gte=first, day__lt=self.period.end_day)
        if wanted := self.lens.filters.get("provider"):
            held = held.filter(provider__in=wanted)
        ends = {str(each.connection_id): each.over_from for each in self.accounts if each.over_from}
        return Days.of(map(ReadDay._make, held.values_list(*ReadDay._fields)), ends)

    @cached_property
    def compared(self) -> tuple[stats.Headlines, stats.Headlines] | None:
        """The comparable part of the period and the earlier one; None when either is not known whole."""
        if not self.pair or not self._knows_all_of(self.pair):
            return None
        spans = self.pair.now, self.pair.before
        both = Period(self.pair.before.start, self.pair.now.end)
        ledger = "hourly" if self.pair.by_hour else "counted"
        asked = replace(self.lens.question(), period=both, ledger=ledger)
        now, before = stats.side_by_side(self.organization, asked, spans)
        return now, before

    def _knows_all_of(self, both: Pair) -> bool:
        """Whether each account was read for both stretches, and programs reported before them, where they count."""
        if self.accounts and not (self.days.is_complete(both.now) and self.days.is_complete(both.before)):
            return False
        total = self.total
        if self.accounts and not (total.measured or total.unpriced_tokens or total.tokenless):
            return True
        events = self.measured or measured(self.organization)
        if events is None:
            return bool(self.accounts)
        return events.since <= both.before.start  # else growth would be that programs began to report

    @cached_property
    def unknown(self) -> str:
        """Said beside figures where nothing is known of the whole period, since what is known begins later."""
        if not (self.has_data and self.total.is_empty):
            return ""
        events = self.measured or measured(self.organization)
        begins = [datetime.combine(each.first_day, time.min, UTC) for each in self.accounts]
        first = min([*begins, *([events.since] if events else [])], default=None)
        return f"nothing is known before {written(first)} {first.year}" if first and self.period.end <= first else ""

    @property
    def spend(self) -> Headline:
        if self.total.known is None or self.unknown:
            return Headline(None, None, "", self.unknown)
        return self._headline(self.total.cost, lambda sums: sums.cost)

    @property
    def no_cost(self) -> str:
        """Said where a cost would be."""
        if self.unknown:
            return f"{self.unknown[0].upper()}{self.unknown[1:]}."
        return f"Nothing {'was spent' if self.total.known is not None else 'with a price in dollars'} in this period."

    @property
    def tokens(self) -> Headline:
        if self.unknown:
            return Headline(None, None, "", self.unknown)
        note = f"Unpriced: {money.tokens(self.total.unpriced_tokens)} tokens" if self.total.unpriced_tokens else ""
        return self._headline(self.total.tokens.total, lambda sums: sums.tokens, note)

    @property
    def requests(self) -> Headline:
        if self.unknown:
            return Headline(None, None, "", self.unknown)
        silent = and_list([provider_name(each) for each in self.total.silent])
        if self.total.requests is None:
            note = f"{silent} does not report how many requests there were." if silent else "No usage in this period."
            return Headline(None, None, "", "", note)
        note = f"Without {silent}, which does not report requests." if silent else ""
        return self._headline(self.total.requests, lambda sums: sums.requests, note)

    def _headline(self, now: Decimal | int, of: Any, note: str = "") -> Headline:
        if not self.compared or not self.pair:
            return Headline(now, None, "", "no earlier data", note)
        current, before = self.compared
        grown = change(of(current), of(before))
        none = f"nothing in {self.pair.words}" if not of(before) else "no earlier data"
        return Headline(now, grown, self.pair.against, none, note)

    @property
    def basis(self) -> str:
        return basis_of(self.total)

    @cached_property
    def known(self) -> Known:
        return Known.of(self.organization, self.now, ("model",))

    @property
    def rankings(self) -> dict[str, list[str]]:
        """The organization's own order of models and providers, so that each keeps its colour on every page."""
        return {name: self.known.ranking(name) for name in STACKS}

    @cached_property
    def trend(self) -> trend.Trend:
        return trend.drawn(self)

    @property
    def chart(self) -> Chart:
        return self.trend.chart

    @cached_property
    def dearest(self) -> dict[str, Dearest]:
        """Which models and which providers cost the most, and what the trend by its hours is made of."""
        asked = {name: self.lens.question(name, order="-cost") for name in STACKS}
        if trend.has_hours_of_its_own(self):
            asked[HOURS] = replace(asked[self.stack], ledger="hourly")
        found = stats.ranked(self.organization, *asked.values(), most=MOST_SERIES + 1)
        return {name: Dearest.of(*each) for name, each in zip(asked, found, strict=True)}

    def ranked(self, dimension: str) -> list[Rank]:
        dearest = self.dearest[dimension]
        parts = [
            Part(
                key,
                self.names.shown(dimension, key),
                each.amount,
                self._only(dimension, key),
                each.provider,
            )
            for each in dearest.shown
            for key in each.keys
        ]
        rest = self.total.cost - sum((part.value for part in parts), Decimal(0))
        other = Part("", other_name(dearest.others), rest, self._table(dimension)) if dearest.others else None
        return rank(parts, ranking=self.rankings[dimension], other=other)

    @cached_property
    def models(self) -> list[Rank]:
        return self.ranked("model")

    @cached_property
    def providers(self) -> list[Rank]:
        return self.ranked("provider")

    @property
    def stacks(self) -> list[Segment]:
        return [Segment(label, f"?{self.lens.query(stack=name)}", name == self.stack) for name, label in STACKS.items()]

    @property
    def freshness(self) -> list[Fresh]:
        return fresh(self.accounts, self.today)

    @property
    def story(self) -> str:
        """What came, in one sentence."""
        providers = and_list(sorted({provider_name(each.provider) for each in self.all_accounts})) or "your own code"
        first = min((each.first_day for each in self.all_accounts), default=self.period.first_day)
        if self.measured:
            first = self.measured.since.date()
        models = self.known.numbers.get("model", 0)
        found = f"{models} {'model' if models == 1 else 'models'} so far"
        return f"Usage from {providers} since {written(first)} is here, {found}. Each figure leads to its rows."

    @property
    def is_over(self) -> bool:
        """Whether every account has ended, so that nothing newer comes."""
        return bool(self.all_accounts) and all(each.ended_at for each in self.all_accounts)

    @property
    def is_reading(self) -> bool:
        """Whether not even the last thirty days are there yet."""
        recent = [(self.today - each.first_day).days < RECENT_DAYS for each in self.all_accounts]
        return not (recent or self.measured) or (self.is_filling and any(recent))

    @property
    def is_stale(self) -> bool:
        """Whether an account was not read for longer than its hourly reading takes."""
        return any(
            not each.usage_until or self.now - each.usage_until > LATE
            for each in self.all_accounts
            if not each.ended_at
        )

    @property
    def is_filling(self) -> bool:
        """Whether a first reading seems to go on: days were read minutes ago, and older ones are to come."""
        return any(
            not each.ended_at
            and each.usage_until
            and self.now - each.usage_until < STILL_READING
            and (self.today - each.first_day).days < HISTORY_DAYS
            for each in self.all_accounts
        )

    @property
    def other_currencies(self) -> list[tuple[str, Decimal]]:
        return list(self.total.other_currencies.items())

    @property
    def chips(self) -> list[Chip]:
        return chips(self.lens, self.names)

    @property
    def choices(self) -> list[Choice]:
        known = Known.of(self.organization, self.now, since=self.period.first_day)
        return known.choices(self.lens, self.names, plan_reach.offered(self.organization, OFFERED))

    @property
    def export(self) -> str:
        time = "day" if self.period.is_whole_days else "hour"
        return self.lens.export(time, "provider", "model")

    @property
    def models_link(self) -> str:
        return self._table("model")

    @property
    def providers_link(self) -> str:
        return self._table("provider")

    @cached_property
    def table(self) -> str:
        return reverse("usage:explorer")

    def _table(self, dimension: str) -> str:
        return f"{self.table}?{self.lens.query(group=dimension, sort='-cost', stack='')}"

    def _only(self, dimension: str, value: str) -> str:
        return f"{self.table}?{self.lens.only(dimension, value).query(group='day')}" if value else ""

    @property
    def rows_link(self) -> str:
        return f"{self.table}?{self.lens.query(stack='')}"

    @cached_property
    def without_price(self) -> WithoutPrice:
        return WithoutPrice(self.organization, self.lens, self.total, self.table)

    @cached_property
    def gaps(self) -> list[Gap]:
        """Of the part of the period that is over."""
        over = self.period if self.period.last_day < self.today else self.pair.now if self.pair else None
        return gaps(self.accounts, self.days, over) if over and self.period.is_whole_days else []


def basis_of(figures: Figures) -> str:
    parts = [name for name in ("billed", "computed", "measured") if getattr(figures, name)]
    return parts[0] if len(parts) == 1 else "mixed" if parts else ""
