"""A fixed afternoon, people with browsers, and short ways to say what the database holds of them."""

from collections.abc import Iterator

import pytest
import time_machine

from accounts.models import JournalEntry, Organization, User
from onboarding.models import Seen
from tests.conftest import Browser
from tests.usage.pages.accounts_read import NOW
from tokentra.lib.tenancy import organization_scope


@pytest.fixture(autouse=True)
def _afternoon(request: pytest.FixtureRequest) -> Iterator[None]:
    """Not for a real browser, whose sessions end by its own clock."""
    if "live_server" in request.fixturenames:
        yield
        return
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def alices(acme: Organization, alice: User) -> Browser:
    return Browser(alice)


@pytest.fixture
def bobs(acme: Organization, bob: User) -> Browser:
    return Browser(bob)


def seen(organization: Organization, user: User) -> dict[str, str]:
    with organization_scope(organization.pk):
        rows = Seen.objects.owned_by(organization).filter(user=user)
        return {f"{each.kind} {each.key}": each.state for each in rows}


def lines(organization: Organization, event: str) -> list[dict]:
    with organization_scope(organization.pk):
        return [
            each.data for each in JournalEntry.objects.owned_by(organization).filter(event=event).order_by("at", "id")
        ]
