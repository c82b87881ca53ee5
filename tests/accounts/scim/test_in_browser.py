"""The directory's settings in a real browser: a token is made there and copied, a group gets its role."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from accounts.permissions import Role
from tests.accounts.scim.conftest import DANA, Program, program_of, role_in
from tests.accounts.sign_on import proved
from tests.accounts.test_people_pages import faults, log_in, page_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("theme", "width"), [pytest.param("light", 1280, marks=pytest.mark.long), ("dark", 390)])
def test_an_owner_connects_a_directory(
    browser: Browser,
    live_server: LiveServer,
    acme: Organization,
    alice: User,
    width: int,
    theme: Literal["light", "dark"],
):
    proved(acme, by=alice)
    okta = program_of(acme, by=alice)
    for number in range(12):
        okta.add_group(f"A-group-with-a-name-that-takes-its-place-in-the-directory-{number}")
    okta.add_group("Finance", okta.add()["id"])
    page = page_of(browser, live_server, width=width, theme=theme)
    page.goto("/settings/sign-on/")
    log_in(page, alice.email)
    found = {"settings": faults(page)}

    page.get_by_label("Finance").select_option("finance")
    page.get_by_role("button", name="Save roles").click()
    expect(page.get_by_text("The roles were saved.")).to_be_visible()
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("heading", name="Copy it now")).to_be_visible()
    found["made"] = faults(page)
    token = page.locator("code").filter(has_text="tt_scim_").inner_text().strip()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("button", name="Revoke token")).to_have_count(2)
    page.get_by_role("button", name="Revoke token").last.click()
    expect(page.get_by_text("The token was revoked.")).to_be_visible()
    page.context.close()

    assert found == {"settings": [], "made": []}
    assert role_in(acme, DANA) == Role.FINANCE
    assert Program(token).ask("GET", "Users").status_code == 401
