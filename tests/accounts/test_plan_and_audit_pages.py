"""The pages of the plan, of the audit log and of leaving in a real browser: what axe finds, and what fits."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from accounts import audit
from accounts.models import Organization, User
from tests.accounts.test_people_pages import Theme, faults, log_in, page_of
from tokentra.lib.tenancy import organization_scope

PAGES = (
    "/settings/plan/", "/dashboard/summary/", "/settings/audit/", "/settings/audit/?action=nothing",
    "/settings/organization/", "/settings/organization/delete/", "/settings/profile/", "/settings/profile/delete/",
)  # fmt: skip


@pytest.mark.parametrize(("width", "theme"), [pytest.param(1440, "light", marks=pytest.mark.long), (390, "dark")])
def test_the_pages_of_plan_audit_and_leaving_have_no_fault_that_axe_finds(
    browser: Browser,
    live_server: LiveServer,
    acme: Organization,
    alice: User,
    bob: User,
    width: int,
    theme: Theme,
    settings,
):
    settings.PLANS_ENFORCED = True
    with organization_scope(acme.pk):
        ends = timezone.now() + timedelta(days=9)
        Organization.objects.filter(pk=acme.pk).update(plan="free", trial_ends_at=ends)
        audit.note("role_changed", acme, alice, about=acme, email=bob.email, before="viewer", after="member")
        audit.note("budget_changed", acme, bob, name="A name that is rather long for a budget of one team")
        audit.note("organization_changed", acme, alice, before={"name": "Ac"}, after={"name": "Acme"})
    page = page_of(browser, live_server, width=width, theme=theme)
    page.goto("/login/")
    log_in(page, alice.email)

    for path in PAGES:
        if path == "/dashboard/summary/":  # the trial is over
            with organization_scope(acme.pk):
                Organization.objects.filter(pk=acme.pk).update(trial_ends_at=timezone.now())
        page.goto(path)
        page.wait_for_load_state("networkidle")

        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.context.close()
