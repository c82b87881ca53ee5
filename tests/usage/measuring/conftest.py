"""Short words for sending events as a program does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Organization
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring import tracking
from usage.measuring.tracking import Answer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def event(**said: Any) -> dict[str, Any]:
    return {
        "occurredAt": NOON.isoformat(),
        "provider": "openai",
        "model": "gpt-4o-mini",
        "tokens": {"input": 900, "cacheRead": 100, "output": 45},
    } | said


@pytest.fixture
def send(acme: Organization) -> Callable[..., Answer]:
    tracking.forget()

    def send(*events: Any, to: Organization = acme, now: datetime = NOON) -> Answer:
        opened = tracking.opened(json.dumps({"events": events}).encode())
        return tracking.track(to.pk, opened.events, key_id=None, now=now, are_clean=opened.are_clean)

    return send


@pytest.fixture
def held(acme: Organization) -> Callable[[], list[Event]]:
    def held() -> list[Event]:
        with organization_scope(acme.pk):
            return list(Event.objects.owned_by(acme).order_by("occurred_at", "id"))

    return held
