"""Passkeys in a real browser, with an authenticator that the browser plays."""

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from accounts.factor_keeping import passkeys_work
from tests import make
from tests.accounts.test_people_pages import faults
from tests.conftest import Browser
from tests.make import PASSWORD


@pytest.fixture
def key(page: Page):
    """A device with a fingerprint reader."""
    of_browser = page.context.new_cdp_session(page)
    of_browser.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    made = of_browser.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": options | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )

    def verify(is_verified: bool) -> None:
        told = {"authenticatorId": made["authenticatorId"], "isUserVerified": is_verified}
        of_browser.send("WebAuthn.setUserVerified", told)

    return verify


def log_in(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


@pytest.mark.usefixtures("acme")
def test_a_passkey_logs_its_person_in_and_is_their_second_step(page: Page, live_server, alice, key):
    url = live_server.url
    log_in(page, url, alice.email)
    page.goto(f"{url}/settings/security/")
    assert faults(page) == []
    page.get_by_role("link", name="Add a passkey").click()
    assert faults(page) == []
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Laptop")).to_be_visible()

    page.context.clear_cookies()
    page.goto(f"{url}/login/")
    key(False)
    page.get_by_role("button", name="Continue with a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()
    key(True)
    page.get_by_role("button", name="Continue with a passkey").click()
    page.wait_for_url(re.compile(rf"{url}/(?!login|2fa)"))
    page.goto(f"{url}/settings/profile/")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()

    page.context.clear_cookies()
    log_in(page, url, alice.email)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Ask again next time").click()
    page.goto(f"{url}/settings/security/")
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("The passkey was removed.")).to_be_visible()
    assert not Authenticator.objects.exists()


# without a browser


@pytest.mark.parametrize("credential", ["", "{}", "[]", '"x"', json.dumps({"response": {"userHandle": "AAAA"}})])
def test_a_credential_that_is_none_opens_nothing(acme, alice, mallory, credential: str):
    browser = Browser()

    answer = browser.post("/2fa/webauthn/login/", {"credential": credential})

    assert answer["Location"] == "/login/"
    assert browser.get("/settings/profile/").status_code == 302


def test_b2_tries_with_passkeys_end_in_429(db):
    answers = [Browser().post("/2fa/webauthn/login/", {"credential": "{}"}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


def test_nobody_touches_the_passkeys_of_somebody_else(acme, alice, mallory, elsewhere):
    theirs = Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Laptop", "credential": {}})
    browser = Browser(mallory)
    browser.post("/reauthenticate/", {"password": PASSWORD})

    for act in ("remove", "edit"):
        assert browser.post(f"/2fa/webauthn/keys/{theirs.pk}/{act}/", {"name": "x"}).status_code == 404

    assert Authenticator.objects.get().data["name"] == "Laptop"


def test_b9_a_passkey_has_one_line_for_a_name(acme, alice):
    mine = Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Laptop", "credential": {}})
    browser = Browser(alice)
    browser.post("/reauthenticate/", {"password": make.PASSWORD})

    answer = browser.post(f"/2fa/webauthn/keys/{mine.pk}/edit/", {"name": "Q\N{ZERO WIDTH SPACE}x"})

    assert answer.status_code == 422
    assert browser.post(f"/2fa/webauthn/keys/{mine.pk}/edit/", {"name": "Phone"}).status_code == 302
    assert Authenticator.objects.get().data["name"] == "Phone"


@pytest.mark.parametrize(
    ("host", "is_secure", "work"),
    [
        ("tokentra.example", True, True),
        ("tokentra.example", False, False),
        ("localhost:8000", False, True),
        ("127.0.0.1:8000", False, False),
        ("[::1]:8000", True, False),
    ],
)
def test_passkeys_are_offered_where_browsers_have_them(rf, settings, host: str, is_secure: bool, work: bool):
    settings.ALLOWED_HOSTS = ["*"]

    assert passkeys_work(rf.get("/", HTTP_HOST=host, secure=is_secure)) is work
