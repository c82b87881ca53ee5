"""A fake provider beside the tests, and short words for connecting to it and reading from it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.db.models.functions import Now

from accounts.models import Organization
from providers import claiming, connecting, finding, plan, sync, windows, wording
from providers.connectors import CONNECTORS
from providers.models import Connection, EndpointState
from tests.fake_provider.example import KEYS, example_world
from tests.fake_provider.server import FakeProvider
from tokentra.lib import breaker, http
from tokentra.lib.secret import Secret
from tokentra.lib.tenancy import organization_scope
from usage.models import UsageRecord
from usage.rows import TOKEN_CLASSES


@pytest.fixture
def now() -> datetime:
    return datetime.fromtimestamp(int(time.time()), UTC)


@pytest.fixture
def fake(now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    breaker.close_breakers()
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)  # tries follow each other at once
    monkeypatch.setattr(http, "LONGEST_PAUSE", 0.002)
    monkeypatch.setattr(sync, "CALLS_SECONDS", 60.0)  # a busy machine that is slow to answer is no provider in trouble
    with FakeProvider(example_world(int(now.timestamp()))) as fake:
        settings.PROVIDER_BASE_URLS = {"openai": fake.url, "anthropic": fake.url}
        yield fake


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten days of history are enough where the number of windows does not matter."""
    monkeypatch.setattr(plan, "HISTORY_DAYS", 10)


@pytest.fixture
def connect(fake: FakeProvider) -> Callable[..., Connection]:
    def connect(organization: Organization, provider: str = "openai", key: str = "", **named: Any) -> Connection:
        key = key or fake.world.account(provider).key
        named.setdefault("by", None)
        return connecting.connect(organization, CONNECTORS[provider], secret(key), **named).connection

    return connect


def secret(key: str) -> dict[str, Secret]:
    return {"admin_key": Secret.pasted(key)}


def read(connection: Connection, **kwargs: Any) -> list[sync.Step]:
    """Step until nothing is due."""
    steps = []
    while done := sync.step(connection.organization_id, connection.pk, **kwargs):
        steps.append(done)
        if not done.is_more:
            break
    return steps


def fresh(connection: Connection) -> Connection:
    with organization_scope(connection.organization_id):
        return Connection.objects.get(pk=connection.pk)


def due_again(connection: Connection) -> None:
    """Everything is due, and nobody waits for anything."""
    with organization_scope(connection.organization_id):
        held = fresh(connection)
        windows.make_due(held, now=claiming.database_now())
        held.wait_until, held.next_sync_at = None, claiming.database_now()
        held.save(update_fields=["wait_until", "next_sync_at"])


def lease_runs_out(connection: Connection) -> None:
    with organization_scope(connection.organization_id):
        held = Connection.objects.filter(pk=connection.pk, lease_until__isnull=False)
        held.update(lease_until=Now() - timedelta(seconds=1))


def endpoints(connection: Connection) -> dict[str, EndpointState]:
    with organization_scope(connection.organization_id):
        states = EndpointState.objects.filter(connection=connection)
        return {state.endpoint: state for state in states}


def words(connection: Connection, now: datetime) -> wording.Said:
    with organization_scope(connection.organization_id):
        return wording.said(finding.marks_of(fresh(connection)), now=now)


def billed(connection: Connection) -> Decimal:
    """All dollars on the bill that were stored."""
    with organization_scope(connection.organization_id):
        rows = UsageRecord.objects.filter(connection_id=connection.pk, ledger="billed", currency="USD")
        return rows.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def stored(connection: Connection) -> list[tuple[Any, ...]]:
    """Every row with its figures, in order: two readings of the same world give equal lists."""
    with organization_scope(connection.organization_id):
        rows = UsageRecord.objects.filter(connection_id=connection.pk).order_by("day", "id")
        return list(rows.values_list("day", "id", "amount", "requests", *TOKEN_CLASSES))


__all__ = ["KEYS"]
