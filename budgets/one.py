"""The page of one budget: how it stands, what is left day by day, who spends it, and the periods before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from budgets import forecasting, scopes, spending, words
from budgets.asked import Answer, Raise
from budgets.board import FULL, tone
from budgets.forecasting import Heading
from budgets.kept import BudgetCrossing, BudgetPeriod
from budgets.models import Budget, Ledger, Unit
from budgets.rules.periods import Every, Span, span_at
from budgets.spending import Ask
from budgets.standing import Standing, in_spans, scope_of, used
from tokentra.lib.charts import Chart, Part, Rank, Series, Slot, largest, rank, stacked
from usage.names import Names

PERIODS, VALUES, REQUESTS = 24, 200, 20
# by what it is split, the first that its figures can be
SPLITS = {Ledger.COUNTED: ("model", "project", "provider"), Ledger.MEASURED: ("model", "feature", "tool")}


@dataclass(frozen=True)
class Share:
    """A value of a budget for each value."""

    standing: Standing
    name: str

    @property
    def percent(self) -> int:
        return min(100, int(self.standing.share * 100))

    @property
    def tone(self) -> str:
        return tone(self.standing)

    @property
    def text(self) -> str:
        unit = self.standing.budget.unit
        return f"{words.amount(self.standing.spent, unit)} of {words.amount(self.standing.limit, unit)}"


class OneBudget:
    """Read inside the organization's scope."""

    def __init__(self, budget: Budget, now: datetime, *, person: User) -> None:
        self.budget, self.now, self.person = budget, now, person
        self.organization = budget.organization
        self.zone = ZoneInfo(self.organization.timezone)
        self.span = span_at(now, self.zone, budget.rule)
        self.names = Names(self.organization)

    @property
    def whose(self) -> str:
        return words.whose(self.budget, self.names)

    @property
    def period(self) -> str:
        return words.period(self.budget)

    @cached_property
    def standings(self) -> list[Standing]:
        found = in_spans(self.organization, [(self.budget, self.span)], now=self.now, all_values=True)
        return sorted(found, key=lambda each: (-each.share, each.value))

    @property
    def standing(self) -> Standing | None:
        """None for a budget for each value."""
        return None if self.budget.each else self.standings[0]

    @property
    def shares(self) -> list[Share]:
        return [Share(each, self.names.shown(self.budget.each, each.value)) for each in self.standings[:VALUES]]

    @property
    def more_values(self) -> int:
        return max(0, len(self.standings) - VALUES)

    @property
    def over(self) -> int:
        return sum(each.share >= FULL for each in self.standings)

    def limit_of(self, value: str) -> Decimal:
        held = [each.limit for each in self.standings if each.value == value]
        return held[0] if held else self.budget.amount

    @property
    def tone(self) -> str:
        return tone(self.standing)

    @property
    def percent(self) -> int:
        return min(100, int(self.standing.share * 100)) if self.standing else 0

    @cached_property
    def heading(self) -> Heading | None:
        """None where too little is known, and for what forecasts say nothing of."""
        if self.standing is None or self.budget.archived_at:
            return None
        return forecasting.headings(self.organization, [self.standing], self.now).get(self.budget.pk)

    @property
    def even_pace(self) -> Decimal | None:
        """What would be spent by now if each hour of the period took as much."""
        if self.standing is None:
            return None
        return self.standing.limit * share_of_time(self.span, self.now)

    @cached_property
    def by_day(self) -> dict[Any, Decimal]:
        ask = Ask(self.budget.ledger, scope_of(self.budget), self.span)
        (answer,) = spending.spent(self.organization.pk, [ask], by_day=True, zone=self.organization.timezone)
        return {day: used(self.budget, figures) for (_, day), figures in answer.days.items()}

    @property
    def burn_down(self) -> Chart | None:
        """What is left at the end of each day."""
        if self.standing is None or self.budget.every == Every.DAY:
            return None
        today, left, slots, values = self.now.astimezone(self.zone).date(), self.standing.limit, [], []
        for day in self.span.days:
            is_to_come = day > today
            left -= self.by_day.get(day, Decimal(0))
            slots.append(Slot(f"{day:%-d %b}", f"{day:%a %-d %b}", state="partial" if day == today else ""))
            values.append(Decimal(0) if is_to_come else max(left, Decimal(0)))
        return stacked(
            "burn-down",
            "What is left at the end of each day",
            slots,
            [Series("left", "Left", values)],
            unit="usd" if self.budget.unit == Unit.USD else "tokens",
            empty="Nothing is left.",
        )

    @cached_property
    def split(self) -> tuple[str, list[Rank]]:
        """Who spends it: the dimension that its figures are told apart by, and the shares."""
        scope = scope_of(self.budget)
        for dimension in SPLITS[Ledger(self.budget.ledger)]:
            if dimension in scope or not is_answerable(self.budget.ledger, {*scope, dimension}):
                continue
            ask = Ask(self.budget.ledger, scope, self.span, each=dimension)
            (answer,) = spending.spent(self.organization.pk, [ask])
            parts = [
                Part(value, self.names.shown(dimension, value), used(self.budget, figures))
                for value, figures in answer.values.items()
                if used(self.budget, figures)
            ]
            shown, rest = largest(parts)
            unit = "usd" if self.budget.unit == Unit.USD else "tokens"
            return scopes.label(dimension), rank([*shown, *rest], unit=unit, ranking=[part.key for part in shown])
        return "", []

    def shown(self, value: str) -> str:
        return self.names.shown(self.budget.each, value) if value else ""

    @cached_property
    def past(self) -> list[tuple[str, BudgetPeriod]]:
        """With whose it was: of a budget for each value, those values that reached a threshold."""
        mine = BudgetPeriod.objects.owned_by(self.organization).filter(budget=self.budget)
        return [(self.shown(each.value), each) for each in mine.order_by("-first_day", "-spent")[:PERIODS]]

    @cached_property
    def crossings(self) -> list[tuple[str, BudgetCrossing]]:
        mine = BudgetCrossing.objects.owned_by(self.organization).filter(budget=self.budget)
        found = mine.filter(first_day=self.span.first_day).order_by("-at", "-threshold")[:PERIODS]
        return [(self.shown(each.value), each) for each in found]

    @cached_property
    def requests(self) -> list[Raise]:
        mine = Raise.objects.owned_by(self.organization).filter(budget=self.budget)
        return list(mine.select_related("asked_by", "decided_by").order_by("-asked_at")[:REQUESTS])

    @property
    def waiting(self) -> list[Raise]:
        return [each for each in self.requests if each.state == Answer.OPEN]

    @property
    def decided(self) -> list[Raise]:
        return [each for each in self.requests if each.state != Answer.OPEN]


def share_of_time(span: Span, now: datetime) -> Decimal:
    second = timedelta(seconds=1)
    return Decimal((now - span.start) // second) / Decimal((span.end - span.start) // second)


def is_answerable(ledger: str, dimensions: set[str]) -> bool:
    try:
        scopes.where(ledger, dimensions)
    except scopes.BadScope:
        return False
    return True
