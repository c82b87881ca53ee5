"""Somebody asks for more for a while; somebody else approves or declines it. Inside the scope; each step is audited."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from accounts import audit
from accounts.models import Organization, User
from budgets import looking, reach
from budgets.asked import Answer, Raise
from budgets.models import Budget
from budgets.reserved import Room
from budgets.rules.periods import DAY, begins
from tokentra.lib.problems import Problem

MOST_OPEN = 20  # of one budget


def ask(
    budget: Budget, amount: Decimal, *, last_day: date, reason: str, by: User, now: datetime, value: str = ""
) -> Raise:
    """Raises a Problem where the same person's last one still waits, and for a value that nothing ever had."""
    organization = budget.organization
    if not is_of(budget, value):
        raise Problem(422, "whose_limit", "Choose on the budget's page whose limit it is.")
    organization.lock()
    waiting = Raise.objects.owned_by(organization).open().filter(budget=budget)
    if waiting.filter(asked_by=by, value=value).exists():
        raise Problem(409, "already_asked", "Your last request for this budget still waits. Withdraw it to ask anew.")
    if waiting.count() >= MOST_OPEN:
        raise Problem(422, "too_many_requests_open", "Many requests for this budget wait already.")
    wanted = Raise.objects.create(
        organization=organization,
        budget=budget,
        value=value,
        amount=amount,
        reason=reason,
        last_day=last_day,
        ends_at=begins(ZoneInfo(organization.timezone), last_day + DAY),
        asked_by=by,
        asked_at=now,
    )
    audit.note("budget_raise_asked", organization, by, about=wanted, **told(wanted))
    return wanted


def is_of(budget: Budget, value: str) -> bool:
    """Whether the budget has a limit for it; "" is a budget that is one limit."""
    if not budget.each or not value:
        return not budget.each and not value
    organization = budget.organization
    if not reach.unknown(organization, budget.ledger, {budget.each: [value]}):
        return True
    return Room.objects.owned_by(organization).filter(budget=budget, value=value).exists()  # a check asked for it


def approve(wanted: Raise, *, by: User, now: datetime, note: str = "") -> None:
    """It holds from now until its last day ends. Nobody approves what they asked for themselves."""
    if wanted.asked_by_id == by.pk:
        raise Problem(403, "own_request", "Somebody else has to approve what you asked for.")
    if wanted.ends_at <= now:
        raise Problem(409, "is_over", "The day until which it was asked for is over.")
    decide(wanted, Answer.APPROVED, "budget_raise_approved", by=by, now=now, note=note)
    looking.look_soon(wanted.organization)


def decline(wanted: Raise, *, by: User, now: datetime, note: str = "") -> None:
    decide(wanted, Answer.DECLINED, "budget_raise_declined", by=by, now=now, note=note)


def withdraw(wanted: Raise, *, by: User, now: datetime) -> None:
    if wanted.asked_by_id != by.pk:
        raise Problem(403, "not_your_request", "Only who asked may withdraw it.")
    decide(wanted, Answer.WITHDRAWN, "budget_raise_withdrawn", by=by, now=now)


def decide(wanted: Raise, state: Answer, action: str, *, by: User, now: datetime, note: str = "") -> None:
    """Once: whoever comes second is told."""
    mine = Raise.objects.owned_by(wanted.organization).open().filter(pk=wanted.pk)
    if not mine.update(state=state, decided_by=by, decided_at=now, note=note):
        raise Problem(409, "decided_already", "This request was answered already.")
    wanted.refresh_from_db()
    audit.note(action, wanted.organization, by, about=wanted, **told(wanted))


def told(wanted: Raise) -> dict[str, Any]:
    return {
        "budget": str(wanted.budget_id),
        "value": wanted.value,
        "amount": f"{wanted.amount.normalize():f}",
        "until": wanted.last_day.isoformat(),
    }


def waiting(organization: Organization) -> list[Raise]:
    found = Raise.objects.owned_by(organization).open().filter(budget__archived_at=None)
    return list(found.select_related("budget", "asked_by").order_by("asked_at"))
