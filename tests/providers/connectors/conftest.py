"""Connectors at work: against the fake provider, or against recorded answers without any server."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings

from providers.connectors.base import Connector, Endpoint, Page
from tests.fake_provider import FakeProvider, example_world
from tokentra.lib import breaker, http
from tokentra.lib.secret import Secret

NOW = datetime(2026, 11, 20, 1, 40, tzinfo=UTC)
RECORDED = Path(__file__).parent / "recorded"

Replies = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def _closed_breakers() -> Iterator[None]:
    breaker.close_breakers()
    yield
    breaker.close_breakers()


@pytest.fixture
def fake(settings: LazySettings) -> Iterator[FakeProvider]:
    """The small example world, standing still at NOW."""
    with FakeProvider(example_world(int(NOW.timestamp()))) as fake:
        settings.PROVIDER_BASE_URLS = {"openai": fake.url, "anthropic": fake.url}
        yield fake


def key(text: str) -> Mapping[str, Secret]:
    return {"admin_key": Secret(text)}


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


@contextmanager
def calling(connector: Connector, **more: Any) -> Iterator[http.Client]:
    """A client that does not really sleep."""
    with http.client(connector.host, provider=connector.key, **({"sleep": lambda seconds: None} | more)) as client:
        yield client


@contextmanager
def answering(connector: Connector, replies: Replies) -> Iterator[http.Client]:
    """Its thousand pages come from no network, and however long a busy machine takes for them is not counted."""
    with calling(connector, transport=httpx2.MockTransport(replies), clock=lambda: 0.0) as client:
        yield client


def read(connector: Connector, client: http.Client, secret: str, endpoint: Endpoint, days: int) -> Page:
    """The last `days` days and today."""
    end = NOW.replace(hour=0, minute=0) + timedelta(days=1)
    return connector.read(client, key(secret), endpoint, end - timedelta(days=days), end, now=NOW)
