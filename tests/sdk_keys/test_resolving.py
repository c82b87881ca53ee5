"""Whose key a request comes with: what is answered to which, at what price, and from which moment on."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache, caches
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import invitations
from accounts.gates import CsrfOfJson, api_scope
from accounts.models import Membership
from accounts.permissions import Role
from sdk_keys import closing, ending, resolving, using
from sdk_keys.digests import digest_of
from sdk_keys.middleware import ApiKeys
from sdk_keys.models import ApiKey, KeyDigest
from tests import make
from tests.conftest import Browser
from tests.sdk_keys.conftest import ask, code_of, issued, now_of
from tokentra.lib import api_keys, crypto
from tokentra.lib.cache import in_process
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import digest_scope, organization_scope
from usage.measuring import tracking

pytestmark = pytest.mark.django_db


def ended(key: ApiKey, **how: object) -> None:
    with organization_scope(key.organization_id):
        ApiKey.objects.filter(pk=key.pk).update(**how)


def test_a_read_key_reads_the_usage_of_its_organization(acme, elsewhere):
    make.spend(acme, make.connection(acme), "12.34")
    make.spend(elsewhere, make.connection(elsewhere), "99.99")

    answer = ask(issued(acme, "read").clear)

    assert answer.status_code == 200
    assert answer.json()["totals"]["cost"].startswith("12.34")


def test_b22_b23_no_key_is_401_and_a_key_without_the_scope_403(acme, rf):
    request = rf.get("/api/usage/track")
    request.credential = None
    with pytest.raises(Problem) as nothing:
        api_scope(request, "ingest")

    assert (nothing.value.status, nothing.value.code) == (401, "invalid_api_key")
    assert code_of(ask(issued(acme, "ingest").clear)) == (403, "key_scope")
    assert code_of(ask(issued(acme, "read").clear, "/api/auth/me")) == (403, "key_scope")


@pytest.mark.parametrize(
    "key",
    [
        "tt_live_",
        "tt_live_short",
        "tt_prod_" + "a" * 38,
        "tt_live_" + "a" * 38,
        "tt_live_" + "ä" * 38,
        "tt_live_" + "a" * 5000,
        "tt_invite_" + "a" * 43,
    ],
)
def test_b22_what_cannot_be_a_key_is_401_without_a_query(key, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = ask(key)

    assert code_of(answer) == (401, "invalid_api_key")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_b22_a_key_of_nobody_costs_one_look_and_is_remembered():
    key = api_keys.mint("live")
    with CaptureQueriesContext(
        connection,
    ) as first:
        assert code_of(ask(key)) == (401, "invalid_api_key")
    with CaptureQueriesContext(connection) as second:
        assert code_of(ask(key)) == (401, "invalid_api_key")

    assert sum("sdk_keys_keydigest" in query["sql"] for query in first) == 1
    assert not any("sdk_keys" in query["sql"] for query in second)


def test_what_is_remembered_of_strangers_is_bounded(settings):
    assert settings.CACHES["keys"]["OPTIONS"]["MAX_ENTRIES"] <= 10_000
    assert settings.CACHES["keys"]["TIMEOUT"] <= 5


@pytest.mark.parametrize("how", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}])
def test_b23_a_revoked_or_expired_key_is_401(how, acme):
    made = issued(acme, "read")
    ended(made.key, **how)

    assert code_of(ask(made.clear)) == (401, "key_revoked")


def test_e10_a_revoked_key_opens_nothing_from_the_next_request_on(acme, alice, django_capture_on_commit_callbacks):
    made = issued(acme, "read", by=alice)
    assert ask(made.clear).status_code == 200

    with django_capture_on_commit_callbacks(execute=True), organization_scope(acme.pk):
        ending.revoke(made.key, by=alice)

    assert code_of(ask(made.clear)) == (401, "key_revoked")
    assert cache.get(resolving.mark(resolving.remembered(made.clear).credential))  # for the other processes


def test_e10_another_process_goes_by_what_it_remembers_for_less_than_five_seconds(acme, uptime):
    """Revoked behind this process's back, with no shared mark: as on another machine while Redis is away."""
    made = issued(acme, "read")
    assert ask(made.clear).status_code == 200
    ended(made.key, revoked_at=timezone.now())

    uptime[0] += 2
    assert ask(made.clear).status_code == 200
    uptime[0] += 2
    assert code_of(ask(made.clear)) == (401, "key_revoked")


def sent(key: str, route: str):
    body = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 1}} if route != "/v1/traces" else {}
    return Client().post(route, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"})


def test_e10_a_key_of_a_deleted_organization_opens_nothing_from_the_next_request_on(
    acme, django_capture_on_commit_callbacks
):
    made = issued(acme, "ingest", "read")
    assert ask(made.clear).status_code == 200

    with django_capture_on_commit_callbacks(execute=True), organization_scope(acme.pk):
        acme.delete()

    assert code_of(ask(made.clear)) == (401, "invalid_api_key")
    assert sent(made.clear, "/v1/traces").status_code == 401


def test_e10_and_within_five_seconds_where_that_is_not_told(acme):
    """A process that still remembers the key answers 401 as well, and makes no mistake."""
    made = issued(acme, "ingest", "read")
    assert ask(made.clear).status_code == 200
    tracking.forget()

    with organization_scope(acme.pk):
        acme.delete()

    assert resolving.remembered(made.clear).credential
    assert code_of(ask(made.clear)) == code_of(sent(made.clear, "/api/usage/track")) == (401, "invalid_api_key")
    assert sent(made.clear, "/v1/traces").status_code == 401


@pytest.fixture
def other_process(monkeypatch):
    """Knows what this one knew of a key, and has looked for the mark in the very moment before it was there."""
    now = [1000.0]
    monkeypatch.setattr(resolving, "monotonic", lambda: now[0])
    monkeypatch.setattr(resolving, "sleep", lambda seconds: now.append(now.pop() + seconds))
    monkeypatch.setattr(in_process("keys"), "clear", lambda: None)
    return now


@pytest.mark.parametrize(
    "end",
    [
        lambda key, alice: ending.revoke(key, by=alice.user),
        lambda key, alice: ending.replace(key, at_once=True, by=alice),
        lambda key, alice: closing.end_all(alice.organization),
    ],
    ids=["revoked", "replaced", "closed"],
)
def test_e10_whoever_ends_a_key_is_answered_once_every_process_looks_again(
    end, acme, alice, other_process, django_capture_on_commit_callbacks
):
    made = issued(acme, "read", by=alice)
    assert [ask(made.clear).status_code for _ in range(2)] == [200, 200]  # remembered, then looked for

    with django_capture_on_commit_callbacks(execute=True), organization_scope(acme.pk):
        end(made.key, Membership.objects.select_related("organization", "user").get(user=alice))

    assert ask(made.clear).status_code == 401


def test_e10_many_keys_that_end_at_once_are_waited_for_once(
    acme, alice, other_process, django_capture_on_commit_callbacks
):
    for _ in range(3):
        issued(acme, by=alice)

    with django_capture_on_commit_callbacks(execute=True):
        with organization_scope(acme.pk):
            closing.end_all(acme)
        with organization_scope(acme.pk):
            acme.delete()

    assert other_process == [1000.0 + resolving.LOOKED]


def test_e10_another_process_learns_within_a_tenth_of_a_second_through_the_shared_mark(acme, monkeypatch):
    made = issued(acme, "read")
    monkeypatch.setattr(resolving, "monotonic", lambda: 1000.0)
    assert ask(made.clear).status_code == 200
    ended(made.key, revoked_at=timezone.now())

    credential = resolving.resolve(made.clear, now=timezone.now())
    cache.set(resolving.mark(credential), True, 10)
    monkeypatch.setattr(resolving, "monotonic", lambda: 1000.1)

    assert code_of(ask(made.clear)) == (401, "key_revoked")


def test_a_key_that_expires_while_it_is_remembered_ends_in_that_second(acme):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        made = issued(acme, "read", expires_at=timezone.now() + timedelta(seconds=1))
        assert ask(made.clear).status_code == 200
        clock.shift(1)

        assert code_of(ask(made.clear)) == (401, "key_revoked")


def test_what_is_remembered_costs_no_query(acme):
    made = issued(acme, "read")
    resolving.resolve(made.clear, now=timezone.now())
    with CaptureQueriesContext(connection) as queries:
        resolving.resolve(made.clear, now=timezone.now())

    assert list(queries) == []


def test_without_redis_keys_are_known_used_and_ended(acme, alice, settings, django_capture_on_commit_callbacks):
    nobody = "unix:///nobody-listens.sock"
    settings.CACHES = settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": nobody}}
    made = issued(acme, "read", by=alice)

    assert [ask(made.clear).status_code for _ in range(2)] == [200, 200]
    assert now_of(made.key).last_used_at
    with django_capture_on_commit_callbacks(execute=True), organization_scope(acme.pk):
        ending.revoke(made.key, by=alice)
    assert code_of(ask(made.clear)) == (401, "key_revoked")


def test_without_the_database_a_key_is_not_called_wrong(acme):
    made = issued(acme, "read")
    known = resolving.resolve(made.clear, now=timezone.now())
    with connection.execute_wrapper(no_answer):
        fresh = ask(api_keys.mint("live"))
        assert resolving.resolve(made.clear, now=timezone.now()) == known

    assert code_of(fresh) == (503, "database_unavailable")
    assert fresh["Retry-After"]


def no_answer(*_: object) -> None:
    raise OperationalError("the connection is lost")


def test_e10_that_its_use_cannot_be_noted_costs_a_request_nothing(acme, caplog):
    made = issued(acme, "read")
    credential = resolving.resolve(made.clear, now=timezone.now())
    with connection.execute_wrapper(no_answer):
        using.note(credential, now=timezone.now())
    assert "could not be noted" in caplog.text
    assert made.clear not in caplog.text

    using.note(credential, now=timezone.now())
    assert now_of(made.key).last_used_at


def test_e9_what_is_kept_is_a_digest_with_its_pepper(acme):
    made = issued(acme)
    with organization_scope(acme.pk):
        kept = KeyDigest.objects.get(key=made.key)
        row = dict(ApiKey.objects.values().get(pk=made.key.pk))

    assert kept.digest == digest_of(made.clear)
    assert len(kept.digest) == 64
    assert kept.master_id == crypto.current_master()
    assert made.clear not in repr((row, kept.__dict__, made))
    assert (made.key.prefix, made.key.last_four) == (made.clear[:12], made.clear[-4:])


def test_e9_a_key_outlives_the_master_key_under_which_it_was_made_and_moves_on(acme, settings):
    old = settings.ENCRYPTION_KEYS[0]
    made = issued(acme, "read")

    settings.ENCRYPTION_KEYS = [b"n" * 32, old]
    assert ask(made.clear).status_code == 200
    settings.ENCRYPTION_KEYS = [b"n" * 32]
    caches["keys"].clear()

    assert ask(made.clear).status_code == 200


def test_d4_before_the_organization_is_known_one_digest_is_shown_and_nothing_else(acme, elsewhere):
    made, _ = issued(acme), issued(elsewhere)

    assert list(KeyDigest.objects.all()) == []
    with digest_scope(digest_of(made.clear)):
        assert [found.key_id for found in KeyDigest.objects.all()] == [made.key.pk]
        assert KeyDigest.objects.update(master_id="other") == 0
        assert KeyDigest.objects.all().delete()[0] == 0
    with organization_scope(elsewhere.pk):
        assert not KeyDigest.objects.filter(key_id=made.key.pk).exists()


def test_a_key_is_no_session(acme, alice, mallory, elsewhere):
    """The cookie that comes along counts for nothing, none is set, and no CSRF token is asked for."""
    client = Browser(mallory, enforce_csrf_checks=True)
    connection_id = make.connection(acme).pk

    answer = client.post(
        f"/api/providers/{connection_id}/pause", headers={"Authorization": f"Bearer {issued(acme, 'admin').clear}"}
    )
    page = client.get("/dashboard/", headers={"Authorization": f"Bearer {issued(acme, 'read').clear}"})

    assert answer.status_code == 200
    assert answer.cookies == {}
    assert answer["Cache-Control"] == "private, no-store"
    assert page.status_code == 200
    assert "Elsewhere" in page.text


def test_b65_whatever_serves_a_request_with_a_key_sees_no_cookie_needs_no_token_and_sets_none(acme, rf):
    def served(request):
        assert request.COOKIES == {}
        assert not CsrfOfJson(lambda _: HttpResponse()).refuses(request)
        answer = HttpResponse()
        answer.set_cookie("sessionid", "somebody's")
        return answer

    rf.cookies["sessionid"] = "somebody's"
    request = rf.post("/v1/traces", headers={"Authorization": f"Bearer {issued(acme).clear}"})

    assert ApiKeys(served)(request).cookies == {}
    assert request.credential.organization_id == acme.pk


def test_a_session_token_goes_on_working_beside_keys(alice, acme):
    browser = Browser(alice)

    answer = ask(browser.session.session_key, "/api/auth/me")

    assert answer.json()["user"]["email"] == alice.email


def test_e10_the_hour_of_the_last_use_is_kept_and_written_once(acme):
    made = issued(acme, "read")
    assert now_of(made.key).last_used_at is None

    with time_machine.travel("2026-03-04T05:59:59Z", tick=False) as clock:
        ask(made.clear)
        with CaptureQueriesContext(connection) as queries:
            ask(made.clear)
        assert len(queries) > 0  # the next request empties what was captured
        assert not any("UPDATE" in query["sql"] for query in queries)
        clock.shift(2)
        ask(made.clear)

    assert now_of(made.key).last_used_at.isoformat() == "2026-03-04T06:00:00+00:00"


def test_a_key_without_its_organizations_people_does_not_open_their_routes(acme, alice):
    make.member(acme, "bob2@acme.example", Role.MEMBER)
    invitations.invite(acme, ["june@acme.example"], Role.VIEWER, by=alice)
    every = issued(acme, "ingest", "read", "admin").clear

    for path in ("/api/auth/api-keys", "/api/onboarding/profile", "/api/onboarding/checklist"):
        assert ask(every, path).status_code in {403, 404}, path


def test_without_a_key_the_middleware_leaves_requests_alone(db):
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/api/usage/stats", headers={"Authorization": "Basic tt_live_x"}).status_code == 401
