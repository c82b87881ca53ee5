"""The second step of a login: apps, recovery codes, remembered browsers, and what changing them asks for."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import factor_keeping
from accounts.mailed import OutboxMail
from accounts.models import AuditLine
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def password(email: str, client: Client | None = None) -> Client:
    browser = client or Client()
    browser.post("/login/", {"login": email, "password": PASSWORD})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/settings/profile/").status_code == 200


def set_up(browser: Client) -> str:
    """As on the page: the secret that it shows, and a code of it."""
    page = browser.get("/2fa/totp/activate/").content.decode()
    secret = re.search(r">([A-Z2-7]{32})<", page).group(1)
    assert browser.post("/2fa/totp/activate/", {"code": code_of(secret)})["Location"] == "/2fa/recovery-codes/"
    return secret


def codes_of(browser: Client) -> list[str]:
    page = browser.get("/2fa/recovery-codes/").content.decode()
    return re.findall(r"<span>(\d{8})</span>", page)


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as moved:
        yield moved


@pytest.fixture
def secret(alice, acme, clock) -> str:
    """Alice's app, set up a minute ago."""
    found = set_up(password(alice.email))
    clock.shift(timedelta(seconds=60))
    return found


def actions(acme) -> list[str]:
    with organization_scope(acme.pk):
        return list(AuditLine.objects.owned_by(acme).order_by("at").values_list("action", flat=True))


def test_setting_up_an_app_ends_other_sessions_and_is_told(alice, acme, clock, django_capture_on_commit_callbacks):
    here, there = password(alice.email), password(alice.email)
    before = here.session.session_key

    with django_capture_on_commit_callbacks(execute=True):
        set_up(here)

    assert len(codes_of(here)) == 10
    assert (is_in(here), is_in(there)) == (True, False)
    assert here.session.session_key != before
    assert actions(acme) == ["second_factor_added", "second_factor_added"]
    assert OutboxMail.objects.filter(to=alice.email, subject__contains="authenticator app was added").count() == 1
    assert "10 are left" in here.get("/settings/security/").content.decode()


def test_the_password_alone_lets_nobody_in_any_more(alice, secret):
    browser = password(alice.email)
    assert not is_in(browser)
    assert browser.get("/2fa/authenticate/").status_code == 200

    wrong = browser.post("/2fa/authenticate/", {"code": "000000"})
    assert (wrong.status_code, is_in(browser)) == (422, False)
    planted = browser.session.session_key
    answer = browser.post("/2fa/authenticate/", {"code": code_of(secret)})

    assert answer["Location"] == "/2fa/trust/"
    assert not is_in(browser)
    assert browser.get("/2fa/trust/").status_code == 200
    assert browser.post("/2fa/trust/", {"action": "skip"})["Location"] == "/"
    assert is_in(browser)
    assert browser.session.session_key != planted  # B3


def test_a_code_works_once(alice, secret):
    code = code_of(secret)
    assert password(alice.email).post("/2fa/authenticate/", {"code": code}).status_code == 302

    assert password(alice.email).post("/2fa/authenticate/", {"code": code}).status_code == 422


def test_b2_guessing_codes_ends_in_429_and_the_right_one_waits_too(alice, acme, secret):
    browser = password(alice.email)
    answers = [browser.post("/2fa/authenticate/", {"code": "000000"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 301
    assert browser.post("/2fa/authenticate/", {"code": code_of(secret)}).status_code == 429
    assert actions(acme).count("second_factor_refused") == 5


def test_a_recovery_code_works_once_and_its_use_is_told(alice, acme, clock):
    here = password(alice.email)
    set_up(here)
    code = codes_of(here)[0]

    assert password(alice.email).post("/2fa/authenticate/", {"code": code}).status_code == 302
    assert password(alice.email).post("/2fa/authenticate/", {"code": code}).status_code == 422

    mail = OutboxMail.objects.get(to=alice.email, subject__contains="recovery code let")
    assert "9 are left" in mail.text
    assert "recovery_code_used" in actions(acme)
    assert code not in codes_of(here)


def test_new_recovery_codes_replace_the_earlier_ones(alice, acme, clock):
    here = password(alice.email)
    set_up(here)
    old = codes_of(here)

    assert here.get("/2fa/recovery-codes/generate/").status_code == 200
    assert here.post("/2fa/recovery-codes/generate/")["Location"] == "/2fa/recovery-codes/"

    assert not set(old) & set(codes_of(here))
    assert here.get("/2fa/recovery-codes/download/").content.decode().split() == codes_of(here)
    assert "no-store" in here.get("/2fa/recovery-codes/")["Cache-Control"]


def remembered(email: str, secret: str) -> Client:
    browser = password(email)
    browser.post("/2fa/authenticate/", {"code": code_of(secret)})
    browser.post("/2fa/trust/", {"action": "trust"})
    browser.post("/logout/")
    return browser


def test_a_remembered_browser_is_not_asked_for_two_weeks(alice, secret, clock):
    browser = remembered(alice.email, secret)
    assert browser.cookies["remembered"]["httponly"]

    clock.shift(timedelta(days=13))
    assert is_in(password(alice.email, browser))
    browser.post("/logout/")
    assert not is_in(password(alice.email))
    clock.shift(timedelta(days=1, seconds=1))

    assert not is_in(password(alice.email, browser))


@pytest.mark.parametrize("path", ["/settings/security/browsers/forget/", "/settings/security/sessions/everywhere/"])
def test_all_remembered_browsers_can_be_forgotten(alice, secret, clock, path):
    browser = remembered(alice.email, secret)
    here = password(alice.email, browser)
    clock.shift(timedelta(seconds=31))
    there = password(alice.email)
    there.post("/2fa/authenticate/", {"code": code_of(secret)})
    there.post("/2fa/trust/", {"action": "skip"})

    there.post(path)

    assert (is_in(there), is_in(here)) == ((False, False) if "everywhere" in path else (True, True))
    browser.post("/logout/")
    assert not is_in(password(alice.email, browser))


def test_a_remembered_browser_of_one_person_is_not_anothers(alice, mallory, elsewhere, secret, clock):
    theirs = password(mallory.email)
    other = set_up(theirs)
    theirs.post("/logout/")
    clock.shift(timedelta(seconds=31))
    browser = remembered(mallory.email, other)

    assert not is_in(password(alice.email, browser))


def test_switching_the_app_off_takes_the_codes_along(alice, acme, clock):
    here = password(alice.email)
    set_up(here)
    there = password(alice.email)
    assert here.get("/2fa/totp/deactivate/").status_code == 200

    assert here.post("/2fa/totp/deactivate/").status_code == 302

    assert not Authenticator.objects.exists()
    assert is_in(password(alice.email))
    assert OutboxMail.objects.filter(subject__contains="was switched off").exists()
    assert there.get("/2fa/authenticate/").status_code == 302


DANGEROUS = [
    ("get", "/2fa/totp/activate/"),
    ("get", "/2fa/webauthn/add/"),
    ("get", "/2fa/recovery-codes/"),
    ("get", "/2fa/recovery-codes/download/"),
    ("post", "/2fa/recovery-codes/generate/"),
    ("post", "/2fa/totp/deactivate/"),
]


@pytest.mark.parametrize(("method", "path"), DANGEROUS)
def test_e13_changes_of_the_second_step_ask_again_after_ten_minutes(alice, acme, clock, method, path):
    here = password(alice.email)
    if "activate/" not in path or "deactivate" in path:
        set_up(here)
    clock.shift(timedelta(minutes=9))
    assert "/reauthenticate/" not in getattr(here, method)(path).get("Location", "")
    if "generate" in path or "deactivate" in path:
        return
    clock.shift(timedelta(minutes=2))

    assert getattr(here, method)(path)["Location"].startswith("/reauthenticate/")


def test_e13_a_code_confirms_where_a_password_would(alice, acme, secret, clock):
    here = password(alice.email)
    here.post("/2fa/authenticate/", {"code": code_of(secret)})
    here.post("/2fa/trust/", {"action": "skip"})
    clock.shift(timedelta(minutes=11))
    page = here.get(here.get("/2fa/recovery-codes/")["Location"]).content.decode()
    assert "/2fa/reauthenticate/?next=" in page

    assert here.get("/2fa/reauthenticate/").status_code == 200
    assert here.post("/2fa/reauthenticate/", {"code": "000000"}).status_code == 422
    here.post("/2fa/reauthenticate/", {"code": code_of(secret)})

    assert here.get("/2fa/recovery-codes/").status_code == 200


def test_an_address_that_nobody_proved_gets_no_second_step(alice, acme):
    alice.emailaddress_set.update(verified=False)
    here = password(alice.email)

    assert here.get("/2fa/totp/activate/").status_code == 302
    assert "Verify" in here.get("/settings/security/").content.decode()
    assert not Authenticator.objects.exists()


def test_e1_secrets_of_second_factors_are_sealed_and_move_to_a_new_master_key(alice, acme, secret, settings, clock):
    import os

    [kept] = Authenticator.objects.filter(type="totp")
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    assert secret not in repr(kept.data)
    with connections["owner"].cursor():
        assert len(factor_keeping.references()) == 1
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [os.urandom(32), *old]

    assert (factor_keeping.rewrap_all(), factor_keeping.rewrap_all()) == (2, 0)
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]

    assert TOTP(Authenticator.objects.get(type="totp")).validate_code(code_of(secret))
    assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == codes


def test_signing_out_everywhere_ends_this_session_too(alice, acme):
    here, there = password(alice.email), password(alice.email)

    assert here.post("/settings/security/sessions/everywhere/")["Location"] == "/login/"

    assert (is_in(here), is_in(there)) == (False, False)
    assert "signed_out_everywhere" in actions(acme)
    assert is_in(password(alice.email))
