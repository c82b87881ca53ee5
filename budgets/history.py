"""Periods that ended are kept, with the limit of then, and restated while bills and late events change them."""

from collections.abc import Iterable, Sequence
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
