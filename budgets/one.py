"""The page of one budget: how it stands, what is left day by day, who spends it, and the periods before."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from budgets import forecasting, scopes, spending, words
from budgets.asked import Answer, Raise
from budgets.board import FULL, tone
from budgets.burning import BurnDown
from budgets.forecasting import Heading
from budgets.kept import BudgetCrossing, BudgetPeriod
from budgets.models import Budget, Ledger, Unit
from budgets.reserved import Room
from budgets.rules.periods import Every, Span, span_at
from budgets.spending import Ask
from budgets.standing import Standing, in_spans, scope_of, used
from tokentra.lib.charts import Part, Rank, largest, rank
from usage.names import Names

PERIODS, VALUES, REQUESTS = 24, 200, 20
# by what it is split, the first that its figures can be
SPLITS = {Ledger.COUNTED: ("model", "project", "provider"), Ledger.MEASURED: ("model", "feature", "tool")}


@dataclass(frozen=True)
class UnderWay:
    """What calls that were checked first did to a period: held now, cost above their estimates, never heard of."""

    reserved: Decimal
    over: Decimal
    expired: int

    @property
    def is_anything(self) -> bool:
        return bool(self.reserved or self.over or self.expired)


NOTHING = UnderWay(Decimal(0), Decimal(0), 0)


@dataclass(frozen=True)
class Share:
    """A value of a budget for each value."""

    standing: Standing
    name: str
    under_way: UnderWay

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
        return [
            Share(each, self.names.shown(self.budget.each, each.value), self.rooms.get(each.value, NOTHING))
            for each in self.standings[:VALUES]
        ]

    @cached_property
    def rooms(self) -> dict[str, UnderWay]:
        """By value, "" where the budget is one limit; empty where no call was checked against it."""
        mine = Room.objects.owned_by(self.organization).filter(budget=self.budget, first_day=self.span.first_day)
        return {each.value: UnderWay(each.reserved, each.over, each.expired) for each in mine}

    @property
    def under_way(self) -> UnderWay:
        """Of all its values together."""
        held = self.rooms.values()
        return UnderWay(
            sum((each.reserved for each in held), Decimal(0)),
            sum((each.over for each in held), Decimal(0)),
            sum(each.expired for each in held),
        )

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
        return self.course.get(self.span.last_day)

    @cached_property
    def course(self) -> dict[date, Heading]:
        """The same for the days on the way there."""
        if self.standing is None or self.budget.archived_at:
            return {}
        return forecasting.course(self.organization, self.standing, self.now)

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
    def burn_down(self) -> BurnDown | None:
        """What is left at the end of each day, and what will be."""
        if self.standing is None or self.budget.every == Every.DAY:
            return None
        return BurnDown(
            days=self.span.days,
            used=self.by_day,
            limit=self.standing.limit,
            thresholds=self.budget.thresholds,
            course=self.course,
            today=self.now.astimezone(self.zone).date(),
            unit="usd" if self.budget.unit == Unit.USD else "tokens",
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
        return list(mine.select_related("budget", "asked_by", "decided_by").order_by("-asked_at")[:REQUESTS])

    @property
    def waiting(self) -> list[tuple[str, Raise]]:
        """With whose limit it is about, as in `past`."""
        return [(self.shown(each.value), each) for each in self.requests if each.state == Answer.OPEN]

    @property
    def decided(self) -> list[tuple[str, Raise]]:
        return [(self.shown(each.value), each) for each in self.requests if each.state != Answer.OPEN]


def share_of_time(span: Span, now: datetime) -> Decimal:
    second = timedelta(seconds=1)
    return Decimal((now - span.start) // second) / Decimal((span.end - span.start) // second)


def is_answerable(ledger: str, dimensions: set[str]) -> bool:
    try:
        scopes.where(ledger, dimensions)
    except scopes.BadScope:
        return False
    return True
