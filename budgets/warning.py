"""The banner over every page: the worst that a budget has come to, until it is dismissed or the period is over."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Organization, User
from budgets import words
from budgets.kept import BudgetCrossing, Dismissal, Kind
from budgets.rules.periods import span_at
from budgets.rules.thresholds import amount_at
from budgets.standing import Raises, approved, limit_of, parts_of
from usage.names import Names

FROM, FULL = 80, 100  # percent


@dataclass(frozen=True)
class Warned:
    crossing: BudgetCrossing
    whose: str
    text: str

    @property
    def is_over(self) -> bool:
        return self.crossing.threshold >= FULL


def warning(organization: Organization, person: User, now: datetime) -> Warned | None:
    """Inside the organization's scope. What a revised bill took back is no warning any more."""
    mine = BudgetCrossing.objects.owned_by(organization).filter(
        kind=Kind.SPENT, threshold__gte=FROM, ends_at__gt=now, starts_at__lte=now, receded_at=None
    )
    dismissed = Dismissal.objects.owned_by(organization).filter(user=person).values("crossing")
    open_ones = mine.filter(budget__archived_at=None).exclude(pk__in=dismissed)
    by_worst = list(open_ones.select_related("budget").order_by("-threshold", "-at"))
    if not by_worst:
        return None
    raises, zone = approved(organization, now), ZoneInfo(organization.timezone)
    worst = next((each for each in by_worst if is_so(each, raises, zone, now)), None)
    if worst is None:
        return None
    budget, names = worst.budget, Names(organization)
    whose = f"{budget.name}, {names.shown(budget.each, worst.value)}" if worst.value else budget.name
    text = f"{words.amount(worst.latest_spent, budget.unit)} of {words.amount(worst.limit, budget.unit)}"
    return Warned(worst, whose, text)


def is_so(crossing: BudgetCrossing, raises: Raises, zone: ZoneInfo, now: datetime) -> bool:
    """Not where the limit was raised since, nor where the organization moved to a zone in which the period is over."""
    budget = crossing.budget
    if span_at(now, zone, budget.rule).first_day != crossing.first_day:
        return False
    limit, _ = limit_of(budget, crossing.value, parts_of(budget), raises, now)
    return crossing.latest_spent >= amount_at(crossing.threshold, limit)


def dismiss(crossing: BudgetCrossing, person: User, now: datetime) -> None:
    """This one and those below it in the same period; a higher threshold is shown again."""
    below = BudgetCrossing.objects.owned_by(crossing.organization).filter(
        budget=crossing.budget_id, value=crossing.value, first_day=crossing.first_day, threshold__lte=crossing.threshold
    )
    rows = [Dismissal(organization_id=crossing.organization_id, user=person, crossing=each, at=now) for each in below]
    Dismissal.objects.bulk_create(rows, ignore_conflicts=True)
