"""Periods that ended are kept, with the limit of then, and restated while bills and late events change them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from accounts.models import Organization
from budgets.kept import BudgetPeriod
from budgets.models import Budget
from budgets.rules.periods import Span
from budgets.standing import Place, Standing

FIGURES = ("spent", "basis", "unpriced_tokens")


def kept(organization: Organization, wanted: Sequence[tuple[Budget, Span]]) -> dict[Place, BudgetPeriod]:
    """What is kept of these already, also of single values."""
    if not wanted:
        return {}
    rows = BudgetPeriod.objects.owned_by(organization).filter(
        budget__in={budget.pk for budget, _ in wanted}, first_day__in={span.first_day for _, span in wanted}
    )
    return {(each.budget_id, each.value, each.first_day): each for each in rows}


def in_use(wanted: Iterable[tuple[Budget, Span]], held: Mapping[Place, BudgetPeriod]) -> list[tuple[Budget, Span]]:
    """Without the periods that ended while the budget was archived: nothing was held against them."""
    known = {(budget, first_day) for budget, _, first_day in held}
    return [
        (budget, span)
        for budget, span in wanted
        if not budget.restored_at or span.end > budget.restored_at or (budget.pk, span.first_day) in known
    ]


def certain(found: Iterable[Standing], held: Mapping[Place, BudgetPeriod], *, now: datetime) -> list[Standing]:
    """Without values that were below every threshold when their period ended, where the limit changed since.

    Nothing is kept of those, so nobody knows which limit they had.
    """
    return [
        each
        for each in found
        if not (each.value and each.span.end <= min(now, each.budget.changed_at)) or each.place in held
    ]


def keep(found: Iterable[Standing], held: dict[Place, BudgetPeriod], *, now: datetime) -> None:
    new, changed = [], []
    for standing in found:
        period = held.get(standing.place)
        if period is None:
            new.append(ended(standing, now=now))
        elif is_restated(period, standing, now=now):
            changed.append(period)
    if new:
        BudgetPeriod.objects.bulk_create(new, ignore_conflicts=True)
    if changed:
        BudgetPeriod.objects.bulk_update(changed, [*FIGURES, "restated_at"])


def ended(standing: Standing, *, now: datetime) -> BudgetPeriod:
    return BudgetPeriod(
        organization_id=standing.budget.organization_id,
        budget=standing.budget,
        value=standing.value,
        first_day=standing.span.first_day,
        end_day=standing.span.end_day,
        starts_at=standing.span.start,
        ends_at=standing.span.end,
        limit=standing.limit,
        spent=standing.spent,
        first_spent=standing.spent,
        basis=standing.basis,
        unpriced_tokens=standing.unpriced_tokens,
        noticed_at=now,
    )


def is_restated(period: BudgetPeriod, standing: Standing, *, now: datetime) -> bool:
    """Brings a kept period up to date; whether that changed anything."""
    figures = (standing.spent, standing.basis, standing.unpriced_tokens)
    if figures == tuple(getattr(period, name) for name in FIGURES):
        return False
    if period.spent != standing.spent:
        period.restated_at = now
    for name, figure in zip(FIGURES, figures, strict=True):
        setattr(period, name, figure)
    return True
