"""The page of all budgets: each with how it stands, its words and where it leads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.models import Organization
from budgets import raising, words
from budgets.asked import Raise
from budgets.kept import Look
from budgets.models import Budget
from budgets.rules.periods import Span, span_at
from budgets.standing import Standing, in_spans, loaded
from usage.names import Names

WARNED, FULL = Decimal("0.8"), Decimal(1)
FAR = "nobody has reached a threshold"
TONES = {"": "good", "warn": "warn", "bad": "bad"}


@dataclass(frozen=True)
class Line:
    """One budget on a page: `standing` is its own, or of a budget for each value the one that is furthest."""

    budget: Budget
    span: Span
    standing: Standing | None
    whose: str
    over: int = 0  # values that have used all of theirs
    furthest: str = ""  # whose `standing` is, of a budget for each value

    @property
    def is_far(self) -> bool:
        """Of a budget for each value: nobody's figure was looked up, as no value has reached a threshold."""
        return bool(self.budget.each) and self.standing is None

    @property
    def href(self) -> str:
        return reverse("budgets:budget", args=[self.budget.pk])

    @property
    def period(self) -> str:
        return words.period(self.budget)

    @property
    def percent(self) -> int:
        """Of the meter, which is full at the limit."""
        return min(100, int(self.standing.share * 100)) if self.standing else 0

    @property
    def tone(self) -> str:
        return tone(self.standing)

    @property
    def state(self) -> str:
        """In a word, so that colour never says it alone."""
        if self.standing is None:
            return "Nothing used"
        return {"bad": "Over", "warn": "Close"}.get(self.tone, "Within")

    @property
    def spent(self) -> str:
        return words.amount(self.standing.spent if self.standing else Decimal(0), self.budget.unit)

    @property
    def limit(self) -> str:
        return words.amount(self.standing.limit if self.standing else self.budget.amount, self.budget.unit)

    @property
    def text(self) -> str:
        return f"{self.spent} of {self.limit}"


def tone(standing: Standing | None) -> str:
    if standing is None or standing.share < WARNED:
        return ""
    return "bad" if standing.share >= FULL else "warn"


class Board:
    """Read inside the organization's scope."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization, self.now = organization, now
        self.zone = ZoneInfo(organization.timezone)
        self.names = Names(organization)

    @cached_property
    def budgets(self) -> list[Budget]:
        return loaded(self.organization)

    @cached_property
    def lines(self) -> list[Line]:
        """Those that are closest to their limit first."""
        spans = [(budget, span_at(self.now, self.zone, budget.rule)) for budget in self.budgets]
        found: dict[object, list[Standing]] = {budget.pk: [] for budget in self.budgets}
        for each in in_spans(self.organization, spans, now=self.now):
            found[each.budget.pk].append(each)
        made = [self.line(budget, span, found[budget.pk]) for budget, span in spans]
        return sorted(made, key=lambda line: -(line.standing.share if line.standing else Decimal(0)))

    def line(self, budget: Budget, span: Span, found: Sequence[Standing]) -> Line:
        furthest = max(found, key=lambda each: each.share, default=None)
        over = sum(each.share >= FULL for each in found) if budget.each else 0
        who = self.names.shown(budget.each, furthest.value) if furthest and budget.each else ""
        return Line(budget, span, furthest, words.whose(budget, self.names), over, who)

    @cached_property
    def archived(self) -> list[Budget]:
        mine = Budget.objects.owned_by(self.organization).filter(archived_at__isnull=False)
        return list(mine.order_by("-archived_at"))

    @cached_property
    def requests(self) -> list[tuple[str, Raise]]:
        """Each with whose limit it is about, of a budget for each value."""
        return [(words.of_value(each, self.names), each) for each in raising.waiting(self.organization)]

    @cached_property
    def look(self) -> Look | None:
        return Look.objects.owned_by(self.organization).first()

    @property
    def is_stuck(self) -> bool:
        return bool(self.look and self.look.failures)

    @property
    def own(self) -> Line | None:
        """What the top of every page shows: the organization's own budget, else the one closest to its limit."""
        whole = [line for line in self.lines if line.budget.is_of_organization]
        return next(iter(whole or self.lines), None)
