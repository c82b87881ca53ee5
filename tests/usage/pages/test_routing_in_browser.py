"""The page of routing in a browser: no fault that axe finds, on a desk and on a phone, by day and by night."""

import os

import pytest
from django.utils import timezone
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from onboarding.guidance.unlocks import FEATURES
from tests.onboarding.guidance.in_browser import celebrated, open_page, sitting
from tests.test_ui import faults
from tests.usage.routing.test_page import PAGE, calls
from usage.measuring import tracking

LOOKS = [(1440, "light"), (390, "dark")]
ALL_LOOKS = [(1440, "dark"), (390, "light")] if "SHOTS" in os.environ else []


@pytest.mark.parametrize(("width", "theme"), LOOKS + ALL_LOOKS)
def test_a_proposal_becomes_a_rule_that_is_on_and_nothing_is_at_fault(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, width: int, theme: str
):
    now = timezone.now()
    tracking.forget()
    for each in (
        calls(120, now=now),
        calls(880, now=now, feature="chat-with-customers", model="claude-sonnet-4-5", provider="anthropic"),
    ):
        tracking.track(acme.pk, each, key_id=None, now=now)
    celebrated(alice, *(feature.id for feature in FEATURES))
    with sitting(browser, live_server.url, alice, width=width, theme=theme) as page:
        open_page(page, PAGE)
        page.get_by_role("button", name="Make this rule").first.click()
        page.get_by_role("button", name="Enable").click()
        expect(page.get_by_text("Not enough calls yet")).to_be_visible()
        if "SHOTS" in os.environ:
            page.screenshot(path=f"{os.environ['SHOTS']}/routing-{width}-{theme}.png", full_page=True)
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
