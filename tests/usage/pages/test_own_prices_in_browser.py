"""The page of own prices in a browser: seen before it holds, entered, ended; no fault that axe finds."""

import os
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from tests.onboarding.guidance.in_browser import open_page, sitting
from tests.test_ui import faults
from tokentra.lib.tenancy import organization_scope
from usage import own_prices
from usage.measuring import tracking

LOOKS = [(1440, "light"), (390, "dark")]
ALL_LOOKS = [(1440, "dark"), (390, "light")] if "SHOTS" in os.environ else []


@pytest.mark.parametrize(("width", "theme"), LOOKS + ALL_LOOKS)
def test_a_price_is_seen_entered_and_ended_and_nothing_is_at_fault(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, width: int, theme: str
):
    now = timezone.now()
    tracking.forget()
    call = {"provider": "pinecone", "model": "shop", "units": {"read_unit": 500_000}}
    tracking.track(acme.pk, [call], key_id=None, now=now)
    with organization_scope(acme.pk):
        rates = {"input": Decimal("1.25"), "output": Decimal("5")}
        first = now.date() - timedelta(days=40)
        old = own_prices.enter(acme, "openai", "gpt-4o", rates=rates, since=first)
        own_prices.end(old, now.date(), today=now.date())
    with sitting(browser, live_server.url, alice, width=width, theme=theme) as page:
        open_page(page, "/settings/prices/")
        looked_at(page, f"prices-{width}-{theme}")
        page.get_by_label("Provider").fill("pinecone")
        page.get_by_label("Unit that is not tokens").fill("read_unit")
        page.get_by_label("Dollars for one unit").fill("0.000016")
        page.get_by_role("button", name="See what it does").click()
        expect(page.get_by_text("The last 30 days would have come to $8.00 instead of $0.00")).to_be_visible()
        looked_at(page, f"prices-preview-{width}-{theme}")
        page.get_by_role("button", name="Enter this price").click()
        page.get_by_role("button", name="End", exact=True).click()
        page.get_by_label("The first day without it").fill(f"{now.date() + timedelta(days=1)}")
        page.get_by_role("button", name="End it").click()
        expect(page.get_by_text("holds up to")).to_be_visible()


def looked_at(page: Page, name: str) -> None:
    if "SHOTS" in os.environ:
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
