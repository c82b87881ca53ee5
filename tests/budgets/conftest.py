"""Spending that budgets are held against, on a fixed afternoon."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from accounts.models import Organization
from budgets import looking
from budgets.kept import BudgetCrossing, BudgetPeriod
from budgets.standing import Standing, standings
from tests.usage.spenders.conftest import _noon, alices, in_zone, mallorys, send
from tokentra.lib.tenancy import organization_scope
from usage.models import Label

__all__ = ["_noon", "alices", "in_zone", "mallorys", "send"]

Spend = Callable[..., None]


@pytest.fixture
def spend(send) -> Spend:
    """Calls of a program, each of which says its cost."""

    def spend(amount: str, at: str | datetime = "2026-11-20T11:00:00+00:00", **said: object) -> None:
        moment = at if isinstance(at, str) else at.isoformat()
        call = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 1_000}, "occurredAt": moment}
        send(call | {"cost": {"amount": amount, "currency": "USD"}} | said)

    return spend


def standing(of: Organization, now: datetime) -> Standing:
    """The only one that there is."""
    (found,) = all_standings(of, now)
    return found


def all_standings(of: Organization, now: datetime, **how: object) -> list[Standing]:
    with organization_scope(of.pk):
        return standings(of, now, **how)


def look(of: Organization, now: datetime, *, days: int = 0) -> None:
    with organization_scope(of.pk):
        looking.hold(of, now, reach=looking.timedelta(days=days))


def crossings(of: Organization) -> list[BudgetCrossing]:
    with organization_scope(of.pk):
        return list(BudgetCrossing.objects.owned_by(of).order_by("at", "threshold"))


def told(of: Organization) -> list[int]:
    return [each.threshold for each in crossings(of)]


def periods(of: Organization) -> list[tuple[str, Decimal, Decimal]]:
    with organization_scope(of.pk):
        mine = BudgetPeriod.objects.owned_by(of).order_by("first_day")
        return [(f"{each.first_day}", each.spent, each.first_spent) for each in mine]


def named(of: Organization, dimension: str, value: str, name: str) -> None:
    """As a provider names one of its ids."""
    with organization_scope(of.pk):
        Label.objects.create(organization=of, connection_id=of.pk, dimension=dimension, value=value, name=name)
