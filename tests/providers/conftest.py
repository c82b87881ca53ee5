"""A fake provider beside the tests, and short words for connecting to it and reading from it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Organization
from providers import connecting, sync
from providers.connectors import CONNECTORS
from providers.models import Connection
from tests.fake_provider.example import KEYS, example_world
from tests.fake_provider.server import FakeProvider
from tokentra.lib import http
from tokentra.lib.secret import Secret
from tokentra.lib.tenancy import organization_scope


@pytest.fixture
def now() -> datetime:
    return datetime.fromtimestamp(int(time.time()), UTC)


@pytest.fixture
def fake(now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    http._breakers.clear()
    monkeypatch.setattr(http.Client, "_sleep", lambda self, pause: None, raising=False)
    with FakeProvider(example_world(int(now.timestamp()))) as fake:
        settings.PROVIDER_BASE_URLS = {"openai": fake.url, "anthropic": fake.url}
        yield fake


@pytest.fixture
def connect(fake: FakeProvider) -> Callable[..., Connection]:
    def connect(organization: Organization, provider: str = "openai", key: str = "", **named: Any) -> Connection:
        key = key or fake.world.account(provider).key
        secrets = {"admin_key": Secret(key)}
        named.setdefault("by", None)
        return connecting.connect(organization, CONNECTORS[provider], secrets, **named).connection

    return connect


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


__all__ = ["KEYS"]
