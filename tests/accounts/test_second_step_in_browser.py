"""A second step and a mailed code in a real browser, on a phone in the dark, and what axe finds there."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.accounts.test_people_pages import faults, page_of
from tests.make import PASSWORD
from tests.product import wait_for


def code_of(secret: str) -> str:
    """A code that holds until it is typed: each does for thirty seconds."""
    wait_for(lambda: time.time() % 30 < 15, 20, "the next code of the app")
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def log_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Email").fill("alice@acme.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


@pytest.mark.usefixtures("acme")
def test_a_second_step_is_set_up_asked_for_and_remembered(
    mandatory, browser: Browser, live_server: LiveServer, alice, code_sent_to
):
    page = page_of(browser, live_server, width=390, theme="dark")
    log_in(page)
    page.goto("/settings/security/")
    page.get_by_role("link", name="Set up an app").click()
    assert faults(page) == []
    secret = re.search(r"[A-Z2-7]{32}", page.get_by_role("main").inner_text()).group()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("This is not the code that is shown now")).to_be_visible()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert faults(page) == []
    recovery = re.findall(r"[0-9a-f]{8}", page.get_by_role("main").inner_text())[0]

    page.context.clear_cookies()
    page.goto("/login/")
    page.get_by_role("link", name="Email me a code instead").click()
    assert faults(page) == []
    page.get_by_label("Email").fill(alice.email)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_text("This is not the code that was sent last.")).to_be_visible()
    page.get_by_label("Code").fill(code_sent_to(alice.email))
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_text("This is not the code that is shown now")).to_be_visible()
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Remember this browser?")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Remember it").click()
    page.goto("/settings/sign-on/")
    assert faults(page) == []

    page.context.clear_cookies(name="sessionid")
    log_in(page)
    page.goto("/settings/security/")
    expect(page.get_by_text("are left. Each lets you in once")).to_be_visible()

    elsewhere = page_of(browser, live_server)
    for is_first in (True, False):
        elsewhere.context.clear_cookies()
        log_in(elsewhere)
        expect(elsewhere.get_by_role("heading", name="Second step")).to_be_visible()
        elsewhere.get_by_label("Code").fill(recovery)
        elsewhere.get_by_role("button", name="Log in", exact=True).click()
        told = "Remember this browser?" if is_first else "This is not the code that is shown now"
        expect(elsewhere.get_by_text(told)).to_be_visible()
    elsewhere.goto("/settings/security/")
    expect(elsewhere).to_have_url(re.compile("/2fa/authenticate/"))  # it still waits there
