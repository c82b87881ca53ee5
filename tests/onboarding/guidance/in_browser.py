"""Somebody in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from accounts import journal
from accounts.journal import Event
from accounts.models import Organization, User
from onboarding.models import Journey
from tests import make
from tests.conftest import PATIENCE, Browser
from tokentra.lib.tenancy import organization_scope
from usage.models import DayRollup


@contextmanager
def sitting(
    chromium: Chromium,
    url: str,
    user: User,
    *,
    width: int = 1440,
    theme: str = "light",
    motion: str = "reduce",
    meant: tuple[str, ...] = (),
) -> Iterator[Page]:
    """A page of somebody who is signed in; whatever the browser complains of fails the test, but for wrong forms and
    what is meant to happen."""
    cookie = Browser(user).cookies[settings.SESSION_COOKIE_NAME].value
    context = chromium.new_context(
        base_url=url, viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion=motion
    )
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type in {"error", "warning"} else None)
    yield page
    context.close()
    assert [each for each in problems if not any(words in each for words in ("status of 422", *meant))] == []


def open_page(page: Page, path: str) -> None:
    """Goes there and waits until the corner has answered."""
    with page.expect_response(lambda answer: "/onboarding/guide/" in answer.url):
        page.goto(path)


def told(page: Page) -> Any:
    """Waits for the next event that the page tells."""
    return page.expect_response(lambda answer: "/api/onboarding/events" in answer.url)


def connected(organization: Organization, by: User) -> None:
    """A provider with ten days of figures, read just now."""
    connection = make.connection(organization, by=by)
    for days_ago in range(1, 11):
        make.spend(organization, connection, "12.50", days_ago=days_ago)
        make.spend(organization, connection, "3.20", model="gpt-5", days_ago=days_ago)
    with organization_scope(organization.pk):
        assert DayRollup.objects.owned_by(organization).exists()
        journal.record(Event.PROVIDER_CONNECTION_COMPLETED, by, organization, provider="openai")


def guided(organization: Organization, user: User) -> None:
    with organization_scope(organization.pk):
        journey = Journey.objects.get(organization=organization, user=user)
        journey.path = "guided_tour"
        journey.save(update_fields=["path"])


def celebrated(user: User, *features: str) -> None:
    browser = Browser(user)
    for feature in features:
        body = {"eventName": "feature_unlock_celebrated", "eventData": {"featureId": feature}}
        browser.post("/api/onboarding/events", body, content_type="application/json")
