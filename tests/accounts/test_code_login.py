"""Logging in with a mailed code: once, in time, after the second step too, and saying nothing of who has an account."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.mailed import OutboxMail
from accounts.models import User
from tests import make
from tests.accounts.test_second_factor import code_of, is_in, password, set_up
from tests.accounts.timing import apart
from tests.make import PASSWORD

pytestmark = pytest.mark.usefixtures("mandatory")


def ask(email: str, browser: Client | None = None) -> Client:
    here = browser or Client()
    assert here.post("/login/code/", {"email": email})["Location"] == "/login/code/confirm/"
    return here


def enter(browser: Client, code: str):
    return browser.post("/login/code/confirm/", {"code": code})


def test_a_mailed_code_lets_its_owner_in_once(alice, acme, code_sent_to):
    assert "/login/code/" in Client().get("/login/").content.decode()
    browser = ask(alice.email)
    assert browser.get("/login/code/confirm/").status_code == 200
    before = browser.session.session_key

    assert enter(browser, "000000").status_code == 422
    assert enter(browser, code_sent_to(alice.email))["Location"] == "/"

    assert is_in(browser)
    assert browser.session.session_key != before  # B3
    assert enter(Client(), code_sent_to(alice.email))["Location"] == "/login/"


def test_a_code_ends_after_three_wrong_ones_and_after_ten_minutes(alice, acme, code_sent_to):
    browser = ask(alice.email)
    assert [enter(browser, "000000").status_code for _ in range(3)] == [422, 422, 302]
    assert enter(browser, code_sent_to(alice.email))["Location"] == "/login/"
    cache.clear()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        late = ask(alice.email)
        clock.shift(timedelta(minutes=10, seconds=1))
        assert enter(late, code_sent_to(alice.email)).status_code == 302
        assert not is_in(late)


def test_a_code_is_bound_to_the_browser_that_asked(alice, mallory, code_sent_to):
    ask(alice.email)
    theirs = ask(mallory.email)

    assert enter(theirs, code_sent_to(alice.email)).status_code == 422


def test_a_new_code_replaces_the_one_before(alice, acme, code_sent_to):
    browser = ask(alice.email)
    first = code_sent_to(alice.email)
    browser.post("/login/code/confirm/", {"action": "resend"})

    assert code_sent_to(alice.email) != first
    assert enter(browser, first).status_code == 422
    assert enter(browser, code_sent_to(alice.email))["Location"] == "/"


def test_the_second_step_comes_after_a_code_too(alice, acme, code_sent_to):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        secret = set_up(password(alice.email))
        clock.shift(timedelta(seconds=60))
        browser = ask(alice.email)
        assert enter(browser, code_sent_to(alice.email))["Location"] == "/2fa/authenticate/"
        assert not is_in(browser)
        browser.post("/2fa/authenticate/", {"code": code_of(secret)})
        browser.post("/2fa/trust/", {"action": "skip"})

        assert is_in(browser)


def test_b5_a_code_discards_the_password_of_whoever_registered_an_unproved_address(settings, db, code_sent_to):
    settings.VERIFICATION_IS_MANDATORY = False
    attacker = Client()
    attacker.post("/signup/", {"email": "dana@acme-labs.example", "password1": PASSWORD})
    assert is_in(attacker)

    victim = ask("dana@acme-labs.example")
    enter(victim, code_sent_to("dana@acme-labs.example"))

    assert (is_in(victim), is_in(attacker)) == (True, False)
    assert not User.objects.get().has_usable_password()
    assert Client().post("/login/", {"login": "dana@acme-labs.example", "password": PASSWORD}).status_code == 422


def test_b1_a_known_and_an_unknown_address_are_answered_alike(alice, acme):
    known, unknown = ask(alice.email), ask("nobody@acme.example")
    pages = [
        re.sub(r"csrf[^>]+>|[\w.]+@acme.example|X-CSRFToken[^}]+|[0-9a-f-]{36}", "", page)
        for page in (browser.get("/login/code/confirm/").content.decode() for browser in (known, unknown))
    ]

    assert pages[0] == pages[1]
    assert [enter(browser, "000000").status_code for browser in (known, unknown)] == [422, 422]
    assert "There is no TokenTra account" in OutboxMail.objects.get(to="nobody@acme.example").subject


def test_b1_known_and_unknown_addresses_take_equally_long(alice, acme):
    def asked(client: Client, email: str) -> None:
        client.post("/login/code/", {"email": email})

    assert apart(asked, alice.email) < 1
    cache.clear()
    with CaptureQueriesContext(connection) as of_known:
        asked(Client(), alice.email)
    cache.clear()
    with CaptureQueriesContext(connection) as of_unknown:
        asked(Client(), "another@acme.example")
    assert abs(len(of_known) - len(of_unknown)) <= 1


def test_b2_asking_too_often_ends_in_429(alice, settings):
    settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "3/m/key"}
    answers = [Client().post("/login/code/", {"email": alice.email}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [302, 302, 302, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


def test_b6_a_code_leads_to_own_paths_only(alice, acme, code_sent_to):
    browser = Client()
    browser.post("/login/code/?next=https://evil.example/", {"email": alice.email, "next": "https://evil.example/"})
    answer = browser.post("/login/code/confirm/", {"code": code_sent_to(alice.email), "next": "https://evil.example/"})

    assert answer["Location"] == "/"


def test_a_person_who_is_switched_off_gets_no_code(acme):
    carol = make.member(acme, "carol@acme.example", "viewer")
    carol.is_active = False
    carol.save()
    ask(carol.email)

    assert not OutboxMail.objects.filter(subject__contains="code is").exists()
