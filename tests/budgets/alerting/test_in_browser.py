"""Alerts in a browser: calls cross a threshold, the bell counts, somebody acknowledges; nothing that axe finds."""

import os

import pytest
from django.utils import timezone
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from budgets import looking
from budgets.alerting import given
from budgets.channels.models import Channel, Delivery
from onboarding.guidance.unlocks import FEATURES
from tests import make
from tests.onboarding.guidance.in_browser import celebrated, open_page, sitting
from tests.test_ui import faults
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.worker
ALL = "SHOTS" in os.environ
LOOKS = [(1440, "light"), *([(1440, "dark"), (390, "light")] if ALL else []), (390, "dark")]


def looked_at(page: Page, name: str) -> None:
    if ALL:
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=True)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def undelivered(of: Organization) -> None:
    """A channel whose address did not answer at the last try."""
    now = timezone.now()
    with organization_scope(of.pk):
        desk = Channel.objects.create(
            organization=of, kind="slack", name="Costs of everybody", shown="hooks.slack.com …mnop", created_at=now
        )
        Delivery.objects.create(
            organization=of, channel=desk, created_at=now, tries=3, problem="it could not be reached", status=None,
            next_try_at=now + looking.EVERY,
        )  # fmt: skip
        given.ensure(of, now=now)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_calls_cross_a_threshold_the_bell_counts_and_it_is_acknowledged(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, spend, width: int, theme: str
):
    make.budget(acme, "100", name="Support of customers in Europe", ledger="measured")
    make.budget(acme, "70", name="Research", ledger="measured")
    spend("82.10")
    undelivered(acme)
    looking.look_due()
    celebrated(alice, *(feature.id for feature in FEATURES))
    with sitting(browser, live_server.url, alice, width=width, theme=theme) as page:
        open_page(page, "/alerts/rules/")
        looked_at(page, f"rules-{width}-{theme}")
        page.get_by_role("link", name="Alerts, 2 unread").click()
        expect(page.get_by_role("heading", name="Alerts", exact=True)).to_be_visible()
        looked_at(page, f"alerts-{width}-{theme}")
        page.get_by_role("link", name="Research has used up its budget").click()
        expect(page.get_by_text("$82.10 of $70.00 are used, 117%")).to_be_visible()
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_text("Acknowledged").first).to_be_visible()
        looked_at(page, f"alert-{width}-{theme}")
        open_page(page, "/alerts/channels/")
        looked_at(page, f"channels-{width}-{theme}")
        page.get_by_role("link", name="Costs of everybody").click()
        expect(page.get_by_text("it could not be reached")).to_be_visible()
        if ALL:
            looked_at(page, f"channel-{width}-{theme}")
            for path, name in (
                ("/alerts/wishes/", "wishes"),
                ("/alerts/channels/new/?kind=slack", "new"),
                ("/alerts/rules/new/?kind=custom", "rule"),
            ):
                open_page(page, path)
                looked_at(page, f"{name}-{width}-{theme}")
