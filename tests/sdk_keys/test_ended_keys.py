"""A key that is over: what it hears at every door, and who ends it at the same moment as somebody else."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import AuditLine, Membership
from accounts.permissions import Role
from sdk_keys import closing as with_organizations
from sdk_keys import ending
from sdk_keys.ending import EndedAlready
from sdk_keys.models import ApiKey
from tests import make
from tests.product import wait_for
from tests.sdk_keys.conftest import ask, issued, now_of
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

EVENT = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 1}}
DOORS = {
    "/api/usage/track": EVENT,
    "/v1/traces": {},
    "/api/usage/check": {"provider": "openai", "model": "gpt-4o-mini"},
    "/api/usage/stats": None,
    "/api/usage/export?format=json": None,
    "/api/budgets": None,
    "/api/routing": None,
    "/api/runs": None,
    "/api/providers": None,
}  # with what is sent there; None: it is a question


def at(door: str, key: str) -> HttpResponse:
    """Read to its end: the scope of a streamed answer that was left would end in the middle of another request's."""
    told, headers = DOORS[door], {"Authorization": f"Bearer {key}"}
    if told is None:
        answer = Client().get(door, headers=headers)
    else:
        answer = Client().post(door, told, content_type="application/json", headers=headers)
    answer.getvalue()
    return answer


def sentence(answer: HttpResponse) -> str:
    said = json.loads(answer.content)
    return str(said["message"] if "message" in said else said["error"]["message"])


def revoked(acme, alice, key):
    ending.revoke(key, by=alice)


def replaced(acme, alice, key):
    ending.replace(key, at_once=True, by=Membership.objects.get(user=alice))


def replaced_a_day_ago(acme, alice, key):
    with time_machine.travel(timezone.now() - timedelta(days=1, seconds=1), tick=False):
        ending.replace(key, at_once=False, by=Membership.objects.get(user=alice))


def replaced_then_revoked(acme, alice, key):
    ending.replace(key, at_once=False, by=Membership.objects.get(user=alice))
    ending.revoke(key, by=alice)


def expired(acme, alice, key):
    ApiKey.objects.filter(pk=key.pk).update(expires_at="2026-03-04T05:06:00Z")
    ending.resolving.forget(key)


def deleted(acme, alice, key):
    with_organizations.end_all(acme)


ENDS = {
    revoked: "This API key was revoked. Use another one, or make a new one.",
    replaced: "This API key was replaced. Use the one that took its place.",
    replaced_a_day_ago: "This API key was replaced. Use the one that took its place.",
    replaced_then_revoked: "This API key was replaced. Use the one that took its place.",
    expired: "This API key expired at 2026-03-04 05:06 UTC. Use another one, or make a new one.",
    deleted: "This API key was revoked. Use another one, or make a new one.",
}


@pytest.mark.parametrize("environment", ["live", "test"])
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_b23_at_every_door_a_key_that_is_over_hears_what_became_of_it(
    end, environment, acme, alice, django_capture_on_commit_callbacks
):
    made = issued(acme, "ingest", "read", "admin", by=alice, environment=environment)
    assert {door: at(door, made.clear).status_code for door in DOORS if at(door, made.clear).status_code >= 400} == {}

    with django_capture_on_commit_callbacks(execute=True), organization_scope(acme.pk):
        end(acme, alice, made.key)

    for door in DOORS:
        answer = at(door, made.clear)
        assert (door, answer.status_code, sentence(answer)) == (door, 401, ENDS[end])
        assert answer["WWW-Authenticate"] == "Bearer"
        assert made.clear not in answer.text + str(answer.headers)
        assert made.clear[:20] not in answer.text


def test_e10_a_key_that_is_replaced_again_and_again_ends_in_its_own_day(acme, alice):
    with time_machine.travel("2026-03-04T05:00:00Z", tick=False) as clock:
        keys = [issued(acme, "read", by=alice)]
        for _ in range(2):
            with organization_scope(acme.pk):
                member = Membership.objects.select_related("organization", "user").get(user=alice)
                keys.append(ending.replace(keys[-1].key, at_once=False, by=member))
            clock.shift(timedelta(hours=10))

        assert works(*keys) == [True, True, True]  # it is 20 hours later
        clock.shift(timedelta(hours=4))
        assert works(*keys) == [False, True, True]
        clock.shift(timedelta(hours=10))
        assert works(*keys) == [False, False, True]


def works(*keys):
    caches["keys"].clear()
    return [ask(key.clear).status_code == 200 for key in keys]


@pytest.mark.parametrize("change", [{"expires_at": timezone.now()}, {"scopes": ["ingest"]}])
def test_e10_what_is_taken_from_a_key_is_gone_within_five_seconds_where_nobody_tells(change, acme, uptime):
    """Changed behind this process's back, with no shared mark: as on another machine while Redis is away."""
    made = issued(acme, "read")
    assert ask(made.clear).status_code == 200
    with organization_scope(acme.pk):
        ApiKey.objects.filter(pk=made.key.pk).update(**change)

    uptime[0] += 5

    assert ask(made.clear).status_code == (403 if "scopes" in change else 401)


# Two at the same moment: both wait for the key's row, which a session of its own holds until they do.


@pytest.fixture
def at_once(acme):
    def at_once(key: ApiKey, *works: Callable[[], object]) -> list[object]:
        with ThreadPoolExecutor(len(works)) as people, closing(connection.copy()) as held, held.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
            cursor.execute("SELECT 1 FROM sdk_keys_apikey WHERE id = %s FOR UPDATE", [key.pk])
            begun: list[Future[object]] = []
            for work in works:
                begun.append(people.submit(alone, work))
                wait_for(lambda: sessions_that_wait() == len(begun), 30, "all of them wait")
            cursor.execute("COMMIT")
            return [each.result(30) for each in begun]

    def alone(work):
        try:
            with organization_scope(acme.pk):
                return work()
        except EndedAlready as over:
            return over
        finally:
            connections.close_all()

    return at_once


def acts(organization):
    with organization_scope(organization.pk):
        return Counter(AuditLine.objects.owned_by(organization).values_list("action", flat=True))


@pytest.mark.django_db(transaction=True)
def test_two_who_revoke_a_key_at_once_leave_one_line(acme, alice, at_once):
    made = issued(acme, "read", by=alice)
    admin = make.member(acme, "june@acme.example", Role.ADMIN)
    before = acts(acme)

    at_once(made.key, *(lambda by=by: ending.revoke(made.key, by=by) for by in (alice, admin)))

    assert acts(acme) - before == Counter({"key_revoked": 1})
    assert ask(made.clear).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_two_who_replace_a_key_at_once_make_one(acme, alice, at_once):
    made = issued(acme, "read", by=alice)
    make.member(acme, "june@acme.example", Role.ADMIN)
    before = acts(acme)

    found = at_once(made.key, *(replacing(made.key, email) for email in ("alice@acme.example", "june@acme.example")))

    assert sorted(type(each).__name__ for each in found) == ["EndedAlready", "Issued"]
    assert acts(acme) - before == Counter({"key_replaced": 1, "key_created": 1})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_revoked_first", [True, False])
def test_a_key_that_is_revoked_while_it_is_replaced_ends_either_way(is_revoked_first, acme, alice, at_once):
    made = issued(acme, "read", by=alice)
    both = [lambda: ending.revoke(made.key, by=alice), replacing(made.key, "alice@acme.example")]
    before = acts(acme)

    found = at_once(made.key, *(both if is_revoked_first else reversed(both)))

    is_replaced = not any(isinstance(each, EndedAlready) for each in found)
    assert is_replaced != is_revoked_first
    once = ["key_revoked", *(["key_replaced", "key_created"] if is_replaced else [])]
    assert acts(acme) - before == Counter(once)
    assert ask(made.clear).status_code == 401
    assert now_of(made.key).revoked_at


def replacing(key, email):
    def work():
        member = Membership.objects.select_related("organization", "user").get(user__email=email)
        return ending.replace(key, at_once=False, by=member)

    return work


@pytest.mark.django_db(transaction=True)
def test_whoever_replaces_a_key_while_its_organization_is_deleted_waits_in_no_circle(acme, alice):
    made = issued(acme, "read", by=alice)

    def replace():
        try:
            with organization_scope(acme.pk):
                return replacing(made.key, "alice@acme.example")()
        except (EndedAlready, Membership.DoesNotExist) as over:
            return over
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with organization_scope(acme.pk):
            acme.lock()
            found = other.submit(replace)
            wait_for(lambda: sessions_that_wait() == 1, 30, "the one who replaces waits")
            with_organizations.end_all(acme)
        assert isinstance(found.result(30), EndedAlready)

    with organization_scope(acme.pk):
        assert ApiKey.objects.count() == 1
    assert ask(made.clear).status_code == 401
