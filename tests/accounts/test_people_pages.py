"""The pages of people in a real browser: what axe finds, what fits, and the way of an invited stranger."""

import re
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from accounts.invitations import invite
from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from tests import make, test_ui
from tests.accounts.test_invitations import JUNE, token_in
from tests.conftest import PATIENCE
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

Theme = Literal["light", "dark"]


@pytest.fixture
def crowded(acme: Organization, alice: User) -> Organization:
    """Sixty people with long names, and a dozen invitations."""
    people = [
        User(email=f"somebody.with.a.long.address.{n:02}@subsidiary.conglomerate.example", full_name="N" * 60)
        for n in range(60)
    ]
    User.objects.bulk_create(people)
    with organization_scope(acme.pk):
        Membership.objects.bulk_create(Membership(organization=acme, user=each, role=Role.FINANCE) for each in people)
    invite(acme, [f"an.address.that.takes.its.place.{n}@conglomerate.example" for n in range(12)], Role.ADMIN, by=alice)
    return acme


def page_of(browser: Browser, live_server: LiveServer, *, width: int = 1440, theme: Theme = "light") -> Page:
    size: ViewportSize = {"width": width, "height": 900}
    page = browser.new_context(viewport=size, color_scheme=theme, base_url=live_server.url).new_page()
    page.set_default_timeout(PATIENCE)
    page.add_locator_handler(page.locator("feature-celebration dialog[open]"), lambda _: page.keyboard.press("Escape"))
    return page


def log_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def faults(page: Page) -> list[Any]:
    found: list[Any] = [*test_ui.faults(page)]
    return found + (["too wide"] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else [])


@pytest.mark.parametrize(("theme", "width"), [pytest.param("light", 1440, marks=pytest.mark.long), ("dark", 390)])
def test_the_pages_of_people_have_no_fault_that_axe_finds(
    browser: Browser, live_server: LiveServer, crowded: Organization, alice: User, width: int, theme: Theme
):
    [told] = invite(crowded, [JUNE], Role.VIEWER, by=alice)
    page = page_of(browser, live_server, width=width, theme=theme)
    found = {}

    for path in (f"/invitations/{token_in(told.link)}/", "/invitations/tt_invite_over/", "/login/"):
        page.goto(path)
        found[path] = faults(page)
    log_in(page, alice.email)
    for path in ("/invitations/", "/settings/team/", "/settings/team/?page=2", "/settings/team/?q=nobody",
                 "/organizations/", "/organizations/new/", "/settings/organization/"):  # fmt: skip
        page.goto(path)
        found[path] = faults(page)
    page.goto("/settings/team/?q=alice")
    page.get_by_role("link", name="Change").click()
    found["member"] = faults(page)
    page.goto("/settings/team/")
    page.get_by_label("Email addresses").fill("new@client.example, no-address")
    page.get_by_role("button", name=re.compile("invitation")).first.click()
    found["invited"] = faults(page)
    page.context.close()

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_a_stranger_opens_the_link_makes_an_account_and_is_in(
    browser: Browser, live_server: LiveServer, acme: Organization, alice: User
):
    page = page_of(browser, live_server)
    page.goto(f"/invitations/{token_in(invite(acme, [JUNE], Role.VIEWER, by=alice)[0].link)}/")

    expect(page).to_have_url(f"{live_server.url}/invitations/")
    page.get_by_role("link", name="Create your account").click()
    expect(page.get_by_label("Email")).to_be_disabled()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue with email").click()
    page.goto("/settings/team/")

    expect(page.get_by_role("cell", name=JUNE)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("invitation"))).to_have_count(0)
    page.context.close()


def test_the_wrong_person_logs_out_and_the_right_one_joins(
    browser: Browser, live_server: LiveServer, acme: Organization, alice: User, mallory: User, elsewhere: Organization
):
    make.user(JUNE)
    page = page_of(browser, live_server)
    page.goto("/login/")
    log_in(page, mallory.email)
    page.goto(f"/invitations/{token_in(invite(acme, [JUNE], Role.VIEWER, by=alice)[0].link)}/")

    expect(page.get_by_role("heading", name="This invitation is for j…@…")).to_be_visible()
    page.get_by_role("button", name="Log out and switch").click()
    page.get_by_role("link", name="Log in").click()
    log_in(page, JUNE)
    page.get_by_role("button", name="Accept and join").click()

    page.goto("/settings/team/")
    expect(page.get_by_text("Owners and admins of Acme invite people")).to_be_visible()
    page.context.close()
