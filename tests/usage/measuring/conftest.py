"""Short words for sending events as a program does."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Organization
from tests.product import wait_for
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring import beside, catching_up, storing, tracking
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
def send(acme: Organization) -> Iterator[Callable[..., Answer]]:
    tracking.forget()

    def send(*events: Any, to: Organization = acme, now: datetime = NOON) -> Answer:
        opened = tracking.opened(json.dumps({"events": events}).encode())
        answer = tracking.track(to.pk, opened.events, key_id=None, now=now, are_clean=opened.are_clean)
        tracking.add_up(to.pk, answer)
        return answer

    yield send
    of_process = catching_up._beside
    with of_process._bell:  # what nobody has begun to add up is nobody's any more
        of_process._came.clear()
    wait_for(lambda: of_process._busy is None, 30, "nobody adds up any more")


@pytest.fixture
def held(acme: Organization) -> Callable[[], list[Event]]:
    def held() -> list[Event]:
        with organization_scope(acme.pk):
            return list(Event.objects.owned_by(acme).order_by("occurred_at", "id"))

    return held


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Five events are enough for the thread that adds up, which ends soon and closes its session."""
    monkeypatch.setattr(beside, "ENOUGH", 5)
    monkeypatch.setattr(beside, "IDLE", 0.1)
    yield
    wait_for(lambda: "adding up" not in [thread.name for thread in threading.enumerate()], 30, "the thread has ended")


@pytest.fixture
def weeks_may_go() -> Iterator[None]:
    """Weeks are dropped for good: this process asks again whether they are there."""
    yield
    storing._there.clear()
