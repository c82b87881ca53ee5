"""How every active budget of an organization stands at a moment: five queries at most, however many budgets there are.

Whoever tells people of thresholds reads `BudgetCrossing`, which `budgets.crossing` writes from these.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, QuerySet

from accounts.models import Organization
from budgets import scopes, spending
from budgets.asked import Answer, Raise
from budgets.models import Allocation, Budget, Unit
from budgets.rules import thresholds
from budgets.rules.periods import SECOND, Span, span_at
from budgets.spending import Ask
from budgets.spent import NOTHING, Spent

Place = tuple[UUID, str, date]  # a budget, a value, the first day of a period
Raises = dict[tuple[UUID, str], list[Raise]]
NO_LIMITS: Mapping[Place, Decimal] = {}
Values = Mapping[tuple[UUID, date], Collection[str]]  # of a budget for each value, in the period of a first day
ALL: Values = {}


@dataclass(frozen=True)
class Standing:
    """One budget, or one value of a budget for each value, in one period."""

    budget: Budget
    value: str
    span: Span
    spent: Decimal  # dollars, or tokens
    limit: Decimal  # in force: a raise included
    figures: Spent
    raised: Raise | None = None

    @property
    def place(self) -> Place:
        return self.budget.pk, self.value, self.span.first_day

    @property
    def share(self) -> Decimal:
        """1 means all of it."""
        return self.spent / self.limit

    @property
    def crossed(self) -> tuple[int, ...]:
        """The thresholds that are reached, in percent, the lowest first."""
        return thresholds.crossed(self.spent, self.limit, self.budget.thresholds)

    @property
    def left(self) -> Decimal:
        return max(self.limit - self.spent, Decimal(0))

    @property
    def basis(self) -> str:
        """Of dollars and tokens alike: what the figures rest on."""
        return self.figures.basis

    @property
    def unpriced_tokens(self) -> int:
        """Of which the amount says nothing; tokens are all counted."""
        return self.figures.unpriced_tokens if self.budget.unit == Unit.USD else 0

    @property
    def unpriced_calls(self) -> int:
        """The same, as `Spent` counts them."""
        return self.figures.unpriced_calls if self.budget.unit == Unit.USD else 0


def standings(
    organization: Organization, now: datetime, budgets: Iterable[Budget] | None = None, *, all_values: bool = False
) -> list[Standing]:
    """Of the active budgets, or of these, in the period that `now` lies in; inside the organization's scope.

    Of a budget for each value there is one for each value that has reached its lowest threshold, or, with
    `all_values`, for each that was used at all.
    """
    zone = ZoneInfo(organization.timezone)
    mine = loaded(organization) if budgets is None else list(budgets)
    wanted = [(budget, span_at(now, zone, budget.rule)) for budget in mine]
    return in_spans(organization, wanted, now=now, all_values=all_values)


def loaded(organization: Organization) -> list[Budget]:
    """The active budgets with what their figures take."""
    return list(with_parts(Budget.objects.owned_by(organization).active()).order_by("created_at", "pk"))


def with_parts(budgets: "QuerySet[Budget]") -> "QuerySet[Budget]":
    mine = Prefetch("allocations", Allocation.objects.order_by("value"))
    return budgets.select_related("department").prefetch_related(mine)


def in_spans(
    organization: Organization,
    wanted: Sequence[tuple[Budget, Span]],
    *,
    now: datetime,
    limits: Mapping[Place, Decimal] = NO_LIMITS,
    all_values: bool = False,
    values: Values = ALL,
) -> list[Standing]:
    """Of each budget in a span; its limit is the one at `now` or, of a span that is over, the kept or the last one.

    `values` asks for these alone, whatever is left of them.
    """
    if not wanted:
        return []
    asks = [
        ask(budget, span, all_values=all_values, values=values.get((budget.pk, span.first_day)))
        for budget, span in wanted
    ]
    answers = spending.spent(organization.pk, asks)
    raises = approved(organization, min(span.start for _, span in wanted))
    found = []
    for (budget, span), answer in zip(wanted, answers, strict=True):
        by_value = {name: each for name, each in answer.values.items() if name} if budget.each else {"": answer.total}
        for name in values.get((budget.pk, span.first_day), ()):
            by_value.setdefault(name, NOTHING)
        own = parts_of(budget)
        for value, figures in sorted(by_value.items()):
            limit, raised = limit_of(budget, value, own, raises, min(now, span.end - SECOND))
            limit = limits.get((budget.pk, value, span.first_day), limit)
            found.append(Standing(budget, value, span, used(budget, figures), limit, figures, raised))
    return found


def limit_of(
    budget: Budget, value: str, own: Mapping[str, Decimal], raises: Raises, moment: datetime
) -> tuple[Decimal, Raise | None]:
    """What one value may use at a moment, and the raise that made it more than its own part."""
    limit = own.get(value, budget.amount)
    raised = highest(raises.get((budget.pk, value), ()), moment)
    return (raised.amount, raised) if raised and raised.amount > limit else (limit, None)


def ask(budget: Budget, span: Span, *, all_values: bool = False, values: Collection[str] | None = None) -> Ask:
    scope = scope_of(budget)
    return Ask(
        budget.ledger,
        scopes.narrowed(scope, budget.each, values) if values else scope,
        span,
        each=budget.each,
        least=lowest(budget) if budget.each and not all_values and not values else None,
        is_tokens=budget.unit == Unit.TOKENS,
    )


def parts_of(budget: Budget) -> dict[str, Decimal]:
    return {each.value: each.amount for each in budget.allocations.all()} if budget.each else {}


def scope_of(budget: Budget) -> dict[str, list[str]]:
    """With the values of its department."""
    if not budget.department:
        return dict(budget.scope)
    return scopes.narrowed(budget.scope, budget.department.dimension, budget.department.values)


def lowest(budget: Budget) -> Decimal:
    """What a value has to have used for any threshold to be reached."""
    limits = [budget.amount, *(each.amount for each in budget.allocations.all())]
    return thresholds.amount_at(min(budget.thresholds, default=100), min(limits))


def used(budget: Budget, figures: Spent) -> Decimal:
    return figures.amount if budget.unit == Unit.USD else Decimal(figures.tokens)


def approved(organization: Organization, since: datetime) -> Raises:
    found: Raises = {}
    for each in Raise.objects.owned_by(organization).filter(state=Answer.APPROVED, ends_at__gt=since):
        found.setdefault((each.budget_id, each.value), []).append(each)
    return found


def highest(raises: Iterable[Raise], moment: datetime) -> Raise | None:
    """Of those in force at a moment."""
    held = [each for each in raises if each.decided_at and each.decided_at <= moment < each.ends_at]
    return max(held, key=lambda each: each.amount, default=None)
