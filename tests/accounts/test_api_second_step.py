"""The second step over JSON, tokens that can be taken back, and answers that tell nobody who has an account."""

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.accounts.hashing import Counted
from tests.accounts.test_api_auth import error, send
from tests.accounts.test_second_factor import code_of, codes_of, password, set_up
from tests.accounts.timing import apart
from tests.make import PASSWORD


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as moved:
        yield moved


@pytest.fixture
def page(alice, acme, clock) -> Client:
    here = password(alice.email)
    here.secret = set_up(here)
    clock.shift(timedelta(seconds=60))
    return here


def waiting(email: str) -> str:
    """A login that waits for its code."""
    answer = send("login", {"email": email, "password": PASSWORD})
    assert (answer.status_code, error(answer)["code"]) == (401, "mfa_required")
    return answer.json()["error"]["mfaToken"]


def step(token: str, code: str):
    return send("mfa", {"mfaToken": token, "code": code})


def test_a_program_logs_in_in_two_steps(alice, page):
    token = waiting(alice.email)
    assert send("me", token=token, method="get").status_code == 401

    wrong = step(token, "000000")
    assert (wrong.status_code, error(wrong)["code"], set(error(wrong)["fields"])) == (422, "wrong_code", {"code"})
    done = step(token, code_of(page.secret))

    assert (done.status_code, set(done.json())) == (200, {"token", "expiresAt"})
    assert done.json()["token"] != token  # B3
    assert send("me", token=done.json()["token"], method="get").json()["user"]["email"] == alice.email
    assert send("me", token=token, method="get").status_code == 401
    assert error(step(token, code_of(page.secret)))["code"] == "login_ended"


def test_a_recovery_code_is_a_second_step_too_and_works_once(alice, page):
    code = codes_of(page)[0]

    assert step(waiting(alice.email), code).status_code == 200
    assert step(waiting(alice.email), code).status_code == 422


def test_b2_guessing_codes_by_json_ends_in_429(alice, page):
    token = waiting(alice.email)
    answers = [step(token, "000000") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 301
    assert answers[-1]["RateLimit-Remaining"] == "0"
    assert step(waiting(alice.email), code_of(page.secret)).status_code == 429


@pytest.mark.parametrize("token", ["", "0" * 32, "é", "../x", "tt_live_x"])
def test_a_made_up_login_has_no_second_step(db, token: str):
    assert (step(token, "123456").status_code, error(step(token, "123456"))["code"]) == (401, "login_ended")


def test_a_login_waits_for_its_second_step_for_fifteen_minutes(alice, page, clock):
    token = waiting(alice.email)
    clock.shift(timedelta(minutes=15, seconds=1))

    assert error(step(token, code_of(page.secret)))["code"] == "login_ended"


def test_a_token_can_be_taken_back_on_the_security_page(alice, acme):
    token = send("login", {"email": alice.email, "password": PASSWORD}).json()["token"]
    assert send("me", token=token, method="get").status_code == 200
    session = UserSession.objects.get(session_key=token)

    password(alice.email).post(f"/settings/security/sessions/{session.pk}/end/")

    assert send("me", token=token, method="get").status_code == 401


BODIES = {
    "signup": lambda email: {"email": email, "password": PASSWORD},
    "login": lambda email: {"email": email, "password": "wrong horse"},
}


@pytest.mark.parametrize("path", BODIES)
def test_b1_the_api_answers_known_and_unknown_addresses_equally_fast(mandatory, alice, settings, path: str):
    settings.PASSWORD_HASHERS = ["tests.accounts.hashing.TenthOfTheWork"]
    alice.set_password(PASSWORD)
    alice.save()

    assert apart(lambda client, email: send(path, BODIES[path](email), client=client), alice.email) < 1


@pytest.mark.parametrize("path", BODIES)
def test_b1_the_api_hashes_and_asks_the_database_equally_often(mandatory, alice, settings, path: str):
    settings.PASSWORD_HASHERS = ["tests.accounts.hashing.Counted"]
    alice.set_password(PASSWORD)
    alice.save()

    def work(email: str) -> tuple[int, int]:
        cache.clear()
        Counted.times = 0
        with CaptureQueriesContext(connection) as queries:
            send(path, BODIES[path](email))
        return Counted.times, len(queries)

    (known_hashes, known_queries), (hashes, queries) = work(alice.email), work("new@acme.example")

    assert known_hashes == hashes > 0
    assert abs(known_queries - queries) <= 3  # looks at rows that only a new person has; none is a write
