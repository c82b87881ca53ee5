"""Events as a program sends them, on a fixed afternoon, and people who look at their pages."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine

from accounts.models import Organization, User
from tests.conftest import Browser
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope
from usage.measuring import tracking

Send = Callable[..., None]


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def send(acme: Organization) -> Send:
    tracking.forget()

    def send(*events: Any, to: Organization = acme, now: datetime = NOON) -> None:
        for start in range(0, len(events), 1_000):
            answer = tracking.track(to.pk, events[start : start + 1_000], key_id=None, now=now)
            assert answer.rejected == 0, answer.results

    return send


@pytest.fixture
def alices(acme: Organization, alice: User) -> Browser:
    return Browser(alice)


@pytest.fixture
def mallorys(elsewhere: Organization, mallory: User) -> Browser:
    return Browser(mallory)


def in_zone(organization: Organization, zone: str) -> None:
    with organization_scope(organization.pk):
        organization.timezone = zone
        organization.save(update_fields=["timezone"])
    tracking.forget()
