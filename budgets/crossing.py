"""Thresholds that were reached are recorded, each once for its period and amount (B59); alerts are made of these rows.

The mark is the row: a unique key over budget, value, period, threshold and the amount that was reached. So two who
look at the same time record one. When a limit is raised, a threshold stands at a higher amount and may be reached
again; when it is lowered, or a raise ends, what people were told at the higher amount is not told again.

`budgets.alerting` makes an alert of each row that has none yet, says "revised" of one with `receded_at`, and never
writes here.
"""

from collections.abc import Iterable, Mapping, Sequence
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


def record(
    organization: Organization, found: Sequence[Standing], *, now: datetime, was: Mapping[Place, Decimal] = NOTHING
) -> list[BudgetCrossing]:
    """The crossings that are new, inside the organization's scope; older ones are brought up to date.

    `was` is what periods that ended had spent until now: a threshold that this reached already is one that the budget
    did not have then.
    """
    known = held(organization, found)
    new = [
        made(standing, Kind.SPENT, threshold, standing.spent, now=now)
        for standing in found
        for threshold in standing.crossed
        if is_new(known, standing, Kind.SPENT, threshold) and is_reached_now(standing, threshold, was)
    ]
    follow(known, found, now=now)
    return added(organization, new) if new else []


def is_reached_now(standing: Standing, threshold: int, was: Mapping[Place, Decimal]) -> bool:
    before = was.get(standing.place)
    return before is None or before < thresholds.amount_at(threshold, standing.limit)


def added(organization: Organization, new: Sequence[BudgetCrossing]) -> list[BudgetCrossing]:
    """Those of them that nobody else recorded meanwhile."""
    BudgetCrossing.objects.bulk_create(new, ignore_conflicts=True)
    mine = BudgetCrossing.objects.owned_by(organization).filter(pk__in=[each.pk for each in new])
    return list(mine.select_related("budget"))


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


def held(organization: Organization, found: Iterable[Standing]) -> Known:
    places = {each.place for each in found}
    mine = BudgetCrossing.objects.owned_by(organization).filter(
        budget__in={budget for budget, _, _ in places}, first_day__in={day for _, _, day in places}
    )
    known: Known = {}
    for each in mine:
        known.setdefault((each.budget_id, each.value, each.first_day), []).append(each)
    return known


def fallen(
    organization: Organization, wanted: Iterable[tuple[Budget, Span]], found: Iterable[Standing], kept: Iterable[Place]
) -> dict[tuple[UUID, date], set[str]]:
    """Values that were told of or kept and are below every threshold by now, by budget and first day."""
    asked = {(budget.pk, span.first_day) for budget, span in wanted if budget.each}
    if not asked:
        return {}
    mine = BudgetCrossing.objects.owned_by(organization).filter(
        budget__in={budget for budget, _ in asked}, first_day__in={day for _, day in asked}, receded_at=None
    )
    places = {*mine.values_list("budget_id", "value", "first_day"), *kept} - {each.place for each in found}
    by: dict[tuple[UUID, date], set[str]] = {}
    for budget, value, first_day in places:
        if value and (budget, first_day) in asked:
            by.setdefault((budget, first_day), set()).add(value)
    return by


def is_new(known: Known, standing: Standing, kind: Kind, threshold: int) -> bool:
    """Whether the threshold was never reached at this amount or a higher one in the period."""
    amount = thresholds.amount_at(threshold, standing.limit)
    before = [each for each in known.get(standing.place, []) if (each.kind, each.threshold) == (kind, threshold)]
    return all(each.amount < amount for each in before)


def follow(known: Known, found: Iterable[Standing], *, now: datetime) -> None:
    """What was reached and is clearly below again has receded, until it is reached once more; nobody is told twice."""
    for standing in found:
        follow_one(known, standing, Kind.SPENT, standing.spent, now=now)


def follow_one(known: Known, standing: Standing, kind: Kind, figure: Decimal, *, now: datetime) -> None:
    held = [each for each in known.get(standing.place, []) if each.kind == kind]
    if changed := [each for each in held if is_moved(each, figure, now=now)]:
        BudgetCrossing.objects.bulk_update(changed, ["latest_spent", "receded_at"])


def is_moved(crossing: BudgetCrossing, figure: Decimal, *, now: datetime) -> bool:
    before = crossing.latest_spent, crossing.receded_at
    crossing.latest_spent = figure
    if figure >= crossing.amount:
        crossing.receded_at = None
    elif crossing.receded_at is None and thresholds.has_receded(figure, crossing.amount, crossing.limit):
        crossing.receded_at = now
    return before != (crossing.latest_spent, crossing.receded_at)
