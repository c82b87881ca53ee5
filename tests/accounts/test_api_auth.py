"""Authentication over JSON: the contract's shapes, in both modes of verification."""

import json
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils.dateparse import parse_datetime

from accounts import invitations
from accounts.mailed import OutboxMail
from accounts.middleware import USED
from accounts.models import JournalEntry, Organization, User
from accounts.permissions import Role
from tests.accounts.conftest import home_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

NEW = {"email": "dana@acme-labs.example", "password": PASSWORD}


def send(
    path: str, body: object = None, *, token: str = "", client: Client | None = None, method: str = "post"
) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    ask = getattr(client or Client(enforce_csrf_checks=True), method)
    return ask(
        f"/api/auth/{path}",
        json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers=headers,
    )


def error(answer: HttpResponse) -> dict[str, object]:
    said = answer.json()
    assert set(said) == {"error"}
    assert {"code", "message", "fields", "requestId"} <= set(said["error"])
    return said["error"]


def test_a_program_signs_somebody_up_verifies_and_asks_who_it_is(mandatory, db, code_sent_to):
    answer = send("signup", NEW | {"fullName": "Dana Day", "organizationName": "Dana & Co", "referralSource": "friend"})
    said = answer.json()
    assert answer.status_code == 201
    assert set(said) == {
        "success",
        "userId",
        "organizationId",
        "emailVerificationRequired",
        "verificationToken",
        "nextStep",
    }
    assert (said["success"], said["emailVerificationRequired"], said["nextStep"]) == (
        True,
        True,
        "/onboarding/company",
    )

    done = send("verify-email", {"verificationToken": said["verificationToken"], "code": code_sent_to(NEW["email"])})
    assert done.status_code == 200
    assert set(done.json()) == {"token", "apiKey"}
    me = send("me", token=done.json()["token"], method="get").json()

    assert set(me) == {"user", "organization", "apiKeys"}
    assert set(me["user"]) == {"id", "email", "fullName", "memberSince", "onboarding"}
    assert (me["user"]["id"], me["user"]["fullName"]) == (said["userId"], "Dana Day")
    assert me["user"]["onboarding"] == {"status": "not_started", "step": "company"}
    assert parse_datetime(me["user"]["memberSince"])
    assert me["user"]["memberSince"].endswith("Z")
    assert me["organization"] == {
        "id": said["organizationId"],
        "name": "Dana & Co",
        "plan": "free",
        "role": "owner",
        "timezone": "UTC",
        "currency": "USD",
    }
    assert [key["lastFour"] for key in me["apiKeys"]] == [done.json()["apiKey"][-4:]]


@pytest.mark.parametrize("required", [True, False])
def test_where_sign_on_is_required_nobody_gets_a_key_past_it(mandatory, acme, alice, code_sent_to, required):
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(sign_on_required=required)
    invited, browser = NEW["email"], Client()
    browser.get(urlsplit(invitations.invite(acme, [invited], Role.MEMBER, by=alice)[0].link).path)
    browser.post("/signup/", {"password1": PASSWORD})
    cache.clear()  # some minutes later another code may be sent
    waits = error(send("login", NEW))

    done = send("verify-email", {"verificationToken": waits["verificationToken"], "code": code_sent_to(invited)})

    assert home_of(invited) == acme
    assert (done.json()["apiKey"] is None) == required


def test_without_a_mail_server_the_sign_up_answers_the_token(db):
    answer = send("signup", NEW)
    said = answer.json()

    assert answer.status_code == 201
    assert set(said) == {
        "success",
        "userId",
        "organizationId",
        "emailVerificationRequired",
        "nextStep",
        "token",
        "apiKey",
    }
    assert send("me", token=said["token"], method="get").json()["user"]["email"] == NEW["email"]


def test_b1_a_known_address_is_answered_like_a_new_one(mandatory, alice, code_sent_to):
    new, known = send("signup", NEW), send("signup", NEW | {"email": alice.email})

    assert (known.status_code, set(known.json())) == (new.status_code, set(new.json()))
    assert UUID(known.json()["userId"]).version == 7
    assert known.json()["userId"] != str(alice.pk)
    wrong = [
        send("verify-email", {"verificationToken": a.json()["verificationToken"], "code": "000000"})
        for a in (new, known)
    ]
    assert [w.status_code for w in wrong] == [422, 422]
    assert error(wrong[0])["fields"] == error(wrong[1])["fields"]
    subjects = set(OutboxMail.objects.filter(to=alice.email).values_list("subject", flat=True))
    assert subjects == {"You already have a TokenTra account"}


def test_where_codes_are_not_required_a_known_address_is_a_conflict(alice):
    answer = send("signup", NEW | {"email": alice.email})

    assert (answer.status_code, error(answer)["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "password123"}, "password"),
        ({"email": "x@tempmail.com"}, "email"),
        ({"authProvider": "google"}, "authProvider"),
        ({"fullName": "Dana\r\nBcc: all@acme.example"}, "fullName"),
        ({"fullName": "D" * 10_240}, "fullName"),
        ({"organizationName": "\N{CYRILLIC CAPITAL LETTER A}cme"}, "organizationName"),
        ({"role": "admin"}, "role"),
        ({"is_staff": True}, "is_staff"),
        ({"plan": "enterprise"}, "plan"),
        ({"organizationId": "0192a9b6-0000-7000-8000-000000000000"}, "organizationId"),
        ({"utmParams": {"utm_source": "x", "gclid": "y"}}, "utmParams.gclid"),
    ],
)
def test_b9_b15_what_does_not_belong_is_refused_by_name(db, change: dict[str, object], field: str):
    answer = send("signup", NEW | change)

    assert answer.status_code == 422
    assert field in error(answer)["fields"]
    assert not User.objects.exists()


def test_the_first_touch_that_a_program_tells_is_kept(db):
    send("signup", NEW | {"referralSource": "podcast", "utmParams": {"utm_source": "news"}})

    home = home_of(NEW["email"])
    with organization_scope(home.pk):
        said = JournalEntry.objects.owned_by(home).get(event="signup_completed").data
    assert (said["utm_source"], said["referral_source"]) == ("news", "podcast")


def test_login_answers_a_token_that_works_until_logout(alice, acme):
    answer = send("login", {"email": "Alice@ACME.example", "password": PASSWORD})
    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expiresAt"}
    assert parse_datetime(answer.json()["expiresAt"])
    token = answer.json()["token"]
    assert send("me", token=token, method="get").json()["organization"]["role"] == "owner"

    assert send("logout", token=token).status_code == 204

    assert send("me", token=token, method="get").status_code == 401


def test_a_program_is_given_no_cookie(alice, acme):
    answers = [send("signup", NEW), send("login", {"email": alice.email, "password": PASSWORD})]
    token = answers[-1].json()["token"]

    answers += [send("me", token=token, method="get"), send("me", token=token, method="get")]
    answers += [send("logout", token=token), send("me", token=token, method="get")]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 204, 401]
    assert [dict(answer.cookies) for answer in answers] == [{}] * len(answers)


def test_what_a_token_does_is_kept_in_its_own_session_and_leaves_that_of_a_cookie_alone(alice, acme, bob):
    token = send("login", {"email": alice.email, "password": PASSWORD}).json()["token"]
    bobs = Browser(bob)

    assert send("me", token=token, client=bobs, method="get").json()["user"]["email"] == alice.email
    assert USED in Session.objects.get(pk=token).get_decoded()
    assert send("logout", token=token, client=bobs).status_code == 204

    assert send("me", client=bobs, method="get").json()["user"]["email"] == bob.email


def test_a_wrong_pair_and_an_unknown_address_get_the_same_words(alice):
    answers = [
        send("login", {"email": email, "password": "wrong horse"}) for email in (alice.email, "nobody@acme.example")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    first, second = (error(answer) | {"requestId": ""} for answer in answers)
    assert first == second


def test_an_address_that_is_not_verified_gets_a_code_instead_of_a_token(mandatory, db, code_sent_to):
    send("signup", NEW)
    OutboxMail.objects.all().delete()
    from django.core.cache import cache

    cache.clear()  # the limit of one code in ten seconds

    answer = send("login", NEW)

    assert (answer.status_code, error(answer)["code"]) == (401, "email_not_verified")
    done = send(
        "verify-email",
        {"verificationToken": error(answer)["verificationToken"], "code": code_sent_to(NEW["email"])},
    )
    assert done.status_code == 200


def test_a_code_is_refused_after_three_wrong_ones(mandatory, db, code_sent_to):
    token = send("signup", NEW).json()["verificationToken"]
    for _ in range(3):
        assert send("verify-email", {"verificationToken": token, "code": "000000"}).status_code == 422

    late = send("verify-email", {"verificationToken": token, "code": code_sent_to(NEW["email"])})

    assert (late.status_code, error(late)["code"]) == (422, "verification_ended")


def test_a_made_up_verification_token_is_refused(db):
    answer = send("verify-email", {"verificationToken": "x" * 32, "code": "123456"})

    assert (answer.status_code, error(answer)["code"]) == (422, "verification_ended")


def test_b2_too_many_wrong_passwords_are_told_when_to_come_again(alice, acme):
    at_work = Browser(alice)
    answers = [send("login", {"email": alice.email, "password": "wrong horse"}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    late = answers[-1]
    assert 0 < int(late["Retry-After"]) <= 300
    assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(late.headers)
    assert send("login", {"email": alice.email, "password": PASSWORD}).status_code == 429
    assert send("me", client=at_work, method="get").status_code == 200


def test_b65_a_cookie_without_a_csrf_token_changes_nothing(alice, acme):
    browser = Browser(alice, enforce_csrf_checks=True)

    answer = send("logout", client=browser)

    assert (answer.status_code, error(answer)["code"]) == (403, "csrf_failed")
    assert send("me", client=browser, method="get").status_code == 200


def test_a_stranger_and_a_made_up_token_are_nobody(db):
    for token, code in (("", "not_signed_in"), ("made-up", "not_signed_in"), ("tt_live_made_up", "invalid_api_key")):
        answer = send("me", token=token, method="get")
        assert (answer.status_code, error(answer)["code"]) == (401, code)


def test_an_unreadable_body_is_400(db):
    answer = Client().post("/api/auth/login", "{", content_type="application/json")

    assert (answer.status_code, error(answer)["code"]) == (400, "unreadable_json")
