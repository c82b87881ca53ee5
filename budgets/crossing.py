"""Thresholds that were reached are recorded, each once for its period and amount (B59); alerts are made of these rows.

The mark is the row: a unique key over budget, value, period, threshold and the amount that was reached. So two who
look at the same time record one. When a limit is raised, a threshold stands at a higher amount and may be reached
again; when it is lowered, or a raise ends, what people were told at the higher amount is not told again.

`budgets.alerting` makes an alert of each row that has none yet, says "revised" of one with `receded_at`, and never
writes here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from accounts.models import Organization
from budgets.kept import BudgetCrossing, Kind
from budgets.models import Budget
from budgets.rules import thresholds
from budgets.rules.periods import Span
from budgets.standing import Place, Standing

Known = dict[Place, list[BudgetCrossing]]
NOTHING: Mapping[Place, Decimal] = {}


def record(known: Known, found: Sequence[Standing], *, now: datetime, was: Mapping[Place, Decimal] = NOTHING) -> bool:
    """Add the crossings that are new, inside the organization's scope, and bring older ones up to date; whether a
    threshold was reached or receded.

    `was` is what periods that ended had spent until now: a threshold that this reached already is one that the budget
    did not have then.
    """
    new = [
        made(standing, Kind.SPENT, threshold, standing.spent, now=now)
        for standing in found
        for threshold in standing.crossed
        if is_new(known, standing, Kind.SPENT, threshold) and is_reached_now(standing, threshold, was)
    ]
    has_moved = follow(known, [(each, each.spent) for each in found], Kind.SPENT, now=now)
    add(new)
    return bool(new) or has_moved


def is_reached_now(standing: Standing, threshold: int, was: Mapping[Place, Decimal]) -> bool:
    before = was.get(standing.place)
    return before is None or before < thresholds.amount_at(threshold, standing.limit)


def add(new: Sequence[BudgetCrossing]) -> None:
    """Those of them that nobody else recorded meanwhile."""
    if new:
        BudgetCrossing.objects.bulk_create(new, ignore_conflicts=True)


def made(standing: Standing, kind: Kind, threshold: int, figure: Decimal, *, now: datetime) -> BudgetCrossing:
    return BudgetCrossing(
        organization_id=standing.budget.organization_id,
        budget=standing.budget,
        value=standing.value,
        first_day=standing.span.first_day,
        starts_at=standing.span.start,
        ends_at=standing.span.end,
        kind=kind,
        threshold=threshold,
        limit=standing.limit,
        amount=thresholds.amount_at(threshold, standing.limit),
        spent=figure,
        latest_spent=figure,
        at=now,
        is_late=now >= standing.span.end,
    )


def known_of(organization: Organization, wanted: Collection[tuple[Budget, Span]]) -> Known:
    """What was recorded of budgets in these periods, of all their values."""
    mine = BudgetCrossing.objects.owned_by(organization).filter(
        budget__in={budget.pk for budget, _ in wanted}, first_day__in={span.first_day for _, span in wanted}
    )
    known: Known = {}
    for each in mine:
        known.setdefault((each.budget_id, each.value, each.first_day), []).append(each)
    return known


def fallen(
    known: Known, wanted: Iterable[tuple[Budget, Span]], found: Iterable[Standing], kept: Iterable[Place]
) -> dict[tuple[UUID, date], set[str]]:
    """Values that were told of or kept and are below every threshold by now, by budget and first day."""
    asked = {(budget.pk, span.first_day) for budget, span in wanted if budget.each}
    told = {place for place, crossings in known.items() if any(each.receded_at is None for each in crossings)}
    by: dict[tuple[UUID, date], set[str]] = {}
    for budget, value, first_day in {*told, *kept} - {each.place for each in found}:
        if value and (budget, first_day) in asked:
            by.setdefault((budget, first_day), set()).add(value)
    return by


def is_new(known: Known, standing: Standing, kind: Kind, threshold: int) -> bool:
    """Whether the threshold was never reached at this amount or a higher one in the period."""
    amount = thresholds.amount_at(threshold, standing.limit)
    before = [each for each in known.get(standing.place, []) if (each.kind, each.threshold) == (kind, threshold)]
    return all(each.amount < amount for each in before)


def follow(known: Known, found: Iterable[tuple[Standing, Decimal]], kind: Kind, *, now: datetime) -> bool:
    """What was reached and is clearly below again has receded, until it is reached once more; nobody is told twice.

    Whether any has done so.
    """
    moved, has_receded = [], False
    for standing, figure in found:
        for each in known.get(standing.place, []):
            before = each.receded_at
            if each.kind == kind and is_moved(each, figure, now=now):
                moved.append(each)
                has_receded |= each.receded_at != before
    if moved:
        BudgetCrossing.objects.bulk_update(moved, ["latest_spent", "receded_at"])
    return has_receded


def is_moved(crossing: BudgetCrossing, figure: Decimal, *, now: datetime) -> bool:
    before = crossing.latest_spent, crossing.receded_at
    crossing.latest_spent = figure
    if figure >= crossing.amount:
        crossing.receded_at = None
    elif crossing.receded_at is None and thresholds.has_receded(figure, crossing.amount, crossing.limit):
        crossing.receded_at = now
    return before != (crossing.latest_spent, crossing.receded_at)
