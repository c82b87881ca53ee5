"""Budgets in a browser: created by the form, seen in the top bar, warned of, and no fault that axe finds on a desk and on a phone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from onboarding.guidance.unlocks import FEATURES
from tests import make
from tests.budgets.conftest import look
from tests.onboarding.guidance.in_browser import celebrated, sitting
from tests.test_ui import faults
from usage.measuring import tracking

FITS = "document.documentElement.scrollWidth <= innerWidth"
LOOKS = [(1440, "light"), (390, "dark")]  # each colour and each width once


@pytest.fixture(autouse=True)
def _noon() -> None:
    """A real browser goes by its own clock."""


def test_a_budget_is_created_stands_in_the_top_bar_and_warns_until_it_is_dismissed(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    now = timezone.now()
    tracking.forget()
    call = {"provider": "openai", "model": "gpt-4o", "tokens": {"input": 900}, "customerId": "globex"}
    costs = [call | {"cost": {"amount": "85", "currency": "USD"}, "occurredAt": now.isoformat()}]
    assert tracking.track(acme.pk, costs, key_id=None, now=now).accepted == 1
    make.budget(acme, "1000", name="Each customer", ledger="measured", each="customer", at=now - timedelta(days=40))
    celebrated(alice, *(feature.id for feature in FEATURES))

    with sitting(browser, live_server.url, alice) as page:
        page.goto("/budgets/new/")
        page.get_by_label("Name").fill("Everything")
        page.get_by_label("Amount", exact=True).fill("100")
        page.get_by_role("button", name="Create budget").click()
        expect(page.get_by_role("heading", name="Everything")).to_be_visible()
        expect(page.locator(".budget-progress")).to_contain_text("85%")
        own = page.url.removeprefix(live_server.url)
        look(acme, timezone.now())

        for width, theme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            for path in ("/budgets/", own, "/budgets/new/"):
                page.goto(path)
                expect(page.get_by_role("region", name="Budget warning")).to_contain_text("has used 80% of its budget")
                assert faults(page) == [], (path, width, theme)
                assert page.evaluate(FITS), (path, width, theme)

        page.goto(own)
        page.get_by_role("button", name="Dismiss").click()
        expect(page.get_by_role("region", name="Budget warning")).to_have_count(0)
        page.goto("/budgets/")
        expect(page.locator(".budget-progress")).to_be_visible()
        expect(page.get_by_role("region", name="Budget warning")).to_have_count(0)
