"""What tests of alerts begin with: a budget, a crossing of it, and the mailbox that letters arrive in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Organization
from budgets.alerting.models import Alert, AlertNews
from budgets.channels.models import Delivery
from budgets.kept import BudgetCrossing, Kind
from budgets.models import Budget
from tests.accounts import test_mail
from tests.onboarding.test_forwarding import listening
from tokentra.lib import tenancy
from tokentra.lib.tenancy import organization_scope

mailbox = test_mail.server  # a fixture: a real SMTP server on this machine


@pytest.fixture
def now() -> datetime:
    return timezone.now().astimezone(UTC)


def budget(of: Organization, amount: str = "100", *, name: str = "Research", **fields: object) -> Budget:
    at = timezone.now()
    with organization_scope(of.pk):
        return Budget.objects.create(
            organization=of, name=name, ledger="counted", amount=Decimal(amount), created_at=at, changed_at=at, **fields
        )


def cross(of: Budget, threshold: int, spent: str, *, kind: Kind = Kind.SPENT, **fields: object) -> BudgetCrossing:
    """As the look at budgets records it."""
    at = timezone.now()
    first = at.date().replace(day=1)
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    values = {
        "organization_id": of.organization_id, "budget": of, "first_day": first, "starts_at": start,
        "ends_at": start + timedelta(days=31), "kind": kind, "threshold": threshold, "limit": of.amount,
        "amount": of.amount * threshold / 100, "spent": Decimal(spent), "latest_spent": Decimal(spent), "at": at,
    }  # fmt: skip
    with organization_scope(of.organization_id):
        return BudgetCrossing.objects.create(**values | fields)


def alerts(of: Organization) -> list[Alert]:
    with organization_scope(of.pk):
        return list(Alert.objects.owned_by(of).order_by("fired_at", "pk"))


def said(of: Organization) -> list[tuple[str, str]]:
    """What was said of which alert, in order."""
    with organization_scope(of.pk):
        news = AlertNews.objects.owned_by(of).select_related("alert").order_by("at", "pk")
        return [(each.what, each.alert.title) for each in news]


def deliveries(of: Organization) -> list[Delivery]:
    with organization_scope(of.pk):
        return list(
            Delivery.objects.owned_by(of)
            .select_related("channel", "user", "news__alert", "mail")
            .order_by("created_at", "pk")
        )


@pytest.fixture
def late(monkeypatch) -> Callable[..., None]:
    """From when it is called on, adding up what came in fails: for all organizations, or for one."""

    def late(of: Organization | None = None) -> None:
        def troubled(organization_id: UUID) -> bool:
            if of is None or organization_id == of.pk:
                raise ValueError("the sums cannot be brought up to date")
            return False

        monkeypatch.setitem(tenancy._late, True, tenancy.Late("SELECT true", troubled))

    return late


@pytest.fixture
def hook(settings) -> Iterator[tuple[Any, str]]:
    """A receiver on this machine, which the operator named."""
    with listening() as (receiver, url):
        settings.ALERT_HOSTS = frozenset({url.split("/")[2]})
        yield receiver, url
