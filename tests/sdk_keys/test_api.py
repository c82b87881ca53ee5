"""API keys over JSON: the contract's shapes, who may do what, and whose keys are whose."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import AuditLine, Membership, Organization
from accounts.permissions import Role, Scope
from sdk_keys import ending, issuing
from sdk_keys.models import LAST_DAY, LONGEST, ApiKey
from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.sdk_keys.conftest import ask, code_of, issued, now_of
from tests.test_architecture import ROOT
from tokentra.lib import api_keys
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

KEY = {"id", "name", "prefix", "lastFour", "scopes", "environment"}
KEY |= {"createdAt", "lastUsedAt", "expiresAt", "revokedAt"}
ROUTE = "/api/auth/api-keys"


def post(browser: Client, **body: Any) -> Any:
    sent = {"name": "Production", "scopes": ["ingest"], "environment": "live"} | body
    return browser.post(ROUTE, json.dumps(sent), content_type="application/json")


def proved(user: Any, *, minutes_ago: float = 0) -> Browser:
    """Somebody who logged in then."""
    browser = Browser()
    browser.post("/login/", {"login": user.email, "password": make.PASSWORD})
    session = browser.session
    [proof] = session["account_authentication_methods"]
    session["account_authentication_methods"] = [proof | {"at": proof["at"] - minutes_ago * 60}]
    session.save()
    return browser


def actions_of(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        return list(AuditLine.objects.owned_by(organization).order_by("at").values_list("action", flat=True))


def test_e9_a_key_is_made_shown_once_listed_and_revoked(acme, alice, django_capture_on_commit_callbacks):
    browser = proved(alice)
    answer = post(browser, scopes=["read", "ingest"], environment="test")
    said = answer.json()

    assert answer.status_code == 201
    assert set(said) == KEY | {"key"}
    assert api_keys.is_key(said["key"])
    assert said["key"].startswith("tt_test_")
    assert (said["prefix"], said["lastFour"]) == (said["key"][:12], said["key"][-4:])
    assert said["scopes"] == ["ingest", "read"]
    assert parse_datetime(said["createdAt"])
    assert answer["Cache-Control"] == "private, no-store"
    assert ask(said["key"]).status_code == 200

    listed = browser.get(ROUTE).json()
    assert [set(item) for item in listed["items"]] == [KEY]
    assert said["key"] not in json.dumps(listed)
    assert listed["items"][0]["lastUsedAt"].endswith(":00:00Z")
    assert browser.get("/api/auth/me").json()["apiKeys"] == listed["items"]

    with django_capture_on_commit_callbacks(execute=True):
        assert browser.delete(f"{ROUTE}/{said['id']}").status_code == 204
    assert code_of(ask(said["key"])) == (401, "key_revoked")
    assert browser.get(ROUTE).json()["items"][0]["revokedAt"]
    assert actions_of(acme) == ["key_created", "key_revoked"]


def test_e10_what_is_not_said_is_the_least(acme, alice):
    answer = proved(alice).post(ROUTE, json.dumps({"name": "SDK"}), content_type="application/json")

    said = answer.json()
    assert (said["scopes"], said["environment"], said["expiresAt"]) == (["ingest"], "live", None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"environment": "staging"}, "environment"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"expiresAt": "2099-01-01T00:00:00"}, "expiresAt"),
        ({"expiresAt": "2099-01-01"}, "expiresAt"),
        ({"expiresAt": 1830000000}, "expiresAt"),
        ({"expiresAt": "1830000000"}, "expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00+12:00"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59-12:00"}, "expiresAt"),
        ({"expiresAt": "9999-12-31T23:59:59Z"}, "expiresAt"),
        ({"organizationId": str(uuid7())}, "organizationId"),
    ],
)
def test_a_wrong_field_is_named_and_no_key_is_made(wrong, field, acme, alice):
    answer = post(proved(alice), **wrong)

    assert answer.status_code == 422
    assert field in answer.json()["error"]["fields"]
    with organization_scope(acme.pk):
        assert not ApiKey.objects.exists()


def test_a_key_may_end_in_a_hundred_years_and_be_replaced_until_then(acme, alice):
    with time_machine.travel("2026-03-04T05:06:07Z", tick=False) as clock:
        said = post(proved(alice), expiresAt="2126-03-04T05:06:07Z").json()
        refused = post(proved(alice), expiresAt="2126-03-06T05:06:07Z").json()
        clock.move_to("2125-01-01T00:00:00Z")
        with organization_scope(acme.pk):
            member = Membership.objects.select_related("organization", "user").get(user=alice)
            made = ending.replace(ApiKey.objects.get(pk=said["id"]), at_once=True, by=member)

    assert made.key.expires_at.year == 2225
    [sentence] = refused["error"]["fields"]["expiresAt"]
    assert sentence.startswith("Choose a moment within the next 100 years, or leave it out")


def test_a_key_that_was_to_work_for_longer_is_replaced_by_one_of_a_hundred_years(acme, alice):
    with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
        made = issued(acme, by=alice, expires_at=LAST_DAY - timedelta(seconds=1))

    answer = proved(alice).post(f"/settings/sdk/{made.key.pk}/replace/", {"old": "now"})

    assert answer.status_code == 200
    with organization_scope(acme.pk):
        assert ApiKey.objects.get(pk=now_of(made.key).replaced_by_id).expires_at < timezone.now() + LONGEST


@pytest.mark.django_db(transaction=True)
def test_a_key_that_was_to_end_after_the_calendar_can_be_read_again(acme, alice):
    made = issued(acme, by=alice, expires_at=timezone.now() + timedelta(days=1))
    owner = connections["owner"]
    with transaction.atomic(using="owner"):
        MigrationExecutor(owner).migrate([("sdk_keys", "0001_initial")])
        with owner.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL app.org_id = '{acme.pk}'")
            cursor.execute("UPDATE sdk_keys_apikey SET expires_at = '9999-12-31T23:59:59-12:00'")
        MigrationExecutor(owner).migrate([("sdk_keys", "0002_ends_within_the_calendar")])

    assert now_of(made.key).expires_at == made.key.created_at + LONGEST


def test_times_are_told_in_utc(acme, alice):
    browser = proved(alice)

    said = post(browser, expiresAt="2099-01-01T01:30:00+05:30").json()

    assert said["expiresAt"] == "2098-12-31T20:00:00Z"
    assert browser.get(ROUTE).json()["items"][0]["expiresAt"] == said["expiresAt"]


def test_e13_a_login_older_than_ten_minutes_makes_no_key(acme, alice):
    assert code_of(post(proved(alice, minutes_ago=11))) == (403, "login_too_old")
    assert post(proved(alice, minutes_ago=9)).status_code == 201


@pytest.mark.parametrize(
    ("role", "scopes", "status"),
    [
        (Role.OWNER, ["ingest", "read", "admin"], 201),
        (Role.ADMIN, ["ingest", "read", "admin"], 201),
        (Role.MEMBER, ["ingest", "read"], 201),
        (Role.MEMBER, ["admin"], 403),
        (Role.FINANCE, ["read"], 403),
        (Role.VIEWER, ["read"], 403),
    ],
)
def test_a_role_gives_a_program_no_more_than_it_may_itself(role, scopes, status, acme):
    person = make.member(acme, "pat@acme.example", role)

    answer = post(proved(person), scopes=scopes)

    assert answer.status_code == status
    if status == 403:
        assert code_of(answer) == (403, "role_too_small")


def test_a_member_sees_and_ends_their_own_keys_and_an_admin_all(acme, alice, bob):
    hers, his = issued(acme, by=alice).key, issued(acme, by=bob, name="Bob's").key

    assert [item["name"] for item in Browser(bob).get(ROUTE).json()["items"]] == ["Bob's"]
    assert Browser(bob).delete(f"{ROUTE}/{hers.pk}").status_code == 404
    assert len(Browser(alice).get(ROUTE).json()["items"]) == 2
    assert Browser(alice).delete(f"{ROUTE}/{his.pk}").status_code == 204
    assert now_of(hers).revoked_at is None


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER])
def test_other_roles_have_no_keys_at_all(role, acme, alice):
    made = issued(acme, by=alice)
    browser = Browser(make.member(acme, "pat@acme.example", role))

    assert code_of(browser.get(ROUTE)) == (403, "role_too_small")
    assert code_of(browser.delete(f"{ROUTE}/{made.key.pk}")) == (403, "role_too_small")
    assert browser.get("/api/auth/me").json()["apiKeys"] == []


def test_b14_the_key_of_another_organization_is_not_there(acme, alice, mallory, elsewhere):
    made = issued(acme, by=alice)
    answer = Browser(mallory).delete(f"{ROUTE}/{made.key.pk}")

    assert code_of(answer) == (404, "not_found")
    assert Browser(mallory).get(ROUTE).json()["items"] == []
    assert now_of(made.key).revoked_at is None


def test_no_key_makes_shows_or_ends_keys(acme, alice):
    made = issued(acme, "ingest", "read", "admin", by=alice)
    headers = {"Authorization": f"Bearer {made.clear}"}

    for answer in (
        Client().get(ROUTE, headers=headers),
        Client().post(ROUTE, json.dumps({"name": "x"}), content_type="application/json", headers=headers),
        Client().delete(f"{ROUTE}/{made.key.pk}", headers=headers),
        Client().post("/api/auth/logout", headers=headers),
    ):
        assert code_of(answer) == (403, "key_scope")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/api/usage/stats", "read"),
        ("get", "/api/stats", "read"),
        ("get", "/api/usage/export?format=csv", "read"),
        ("get", "/api/providers", "read"),
        ("get", "/api/providers/{id}", "read"),
        ("post", "/api/providers/{id}/pause", "admin"),
        ("post", "/api/providers/{id}/resume", "admin"),
        ("post", "/api/providers/{id}/sync", "admin"),
        ("delete", "/api/providers/{id}", "admin"),
    ],
)
def test_b23_each_route_has_one_scope_and_no_scope_holds_another(method, path, scope, acme):
    where = path.format(id=make.connection(acme).pk)
    for given in ("ingest", "read", "admin"):
        answer = getattr(Client(), method)(where, headers={"Authorization": f"Bearer {issued(acme, given).clear}"})

        if given == scope:
            assert answer.status_code in {200, 202, 204}, given
            body_of(answer)  # a stream ends its transaction with its last line
        else:
            assert code_of(answer) == (403, "key_scope"), given


def rows_of_the_guide() -> list[tuple[str, str, str]]:
    """(method, path, what the column of scopes says) for each route of the guide's table."""
    page = (ROOT / "docs/guide/api.md").read_text()
    table = re.findall(r"^\| (`.+) \| .+ \| (.+) \|$", page, re.M)
    listed = [
        (method or "POST", path, scope.strip("`"))
        for routes, scope in table
        for method, path in re.findall(r"`(?:(GET|POST|PUT|DELETE) )?(/api/[^`]+)`", routes)
    ]
    return [row for row in listed if row[2] != "no key needed"]


@pytest.mark.parametrize(("method", "path", "scope"), rows_of_the_guide())
def test_b23_the_guide_says_for_every_route_what_a_key_needs(method, path, scope, acme):
    where = path.replace("{id}", str(uuid7()))

    def is_kept_out(*given: str) -> bool:
        headers = {"Authorization": f"Bearer {issued(acme, *given).clear}"}
        answer = getattr(Client(), method.lower())(where, headers=headers)
        return '"code": "key_scope"' in body_of(answer) and answer.status_code == 403

    if scope == "a person only":
        assert is_kept_out(*Scope)
    else:
        assert is_kept_out(*(other for other in Scope if other != scope))
        assert not is_kept_out(scope)


def test_the_guide_lists_the_routes_of_every_scope():
    assert {scope for _, _, scope in rows_of_the_guide()} == {*Scope, "a person only"}


def test_what_a_program_did_stands_in_the_audit_log_with_its_key(acme):
    connection, made = make.connection(acme), issued(acme, "admin")

    Client().post(f"/api/providers/{connection.pk}/pause", headers={"Authorization": f"Bearer {made.clear}"})

    with organization_scope(acme.pk):
        line = AuditLine.objects.owned_by(acme).get(action="connection_paused")
    assert line.actor is None
    assert line.data["api_key"] == str(made.key.pk)


def test_b13_a_key_reaches_nothing_of_another_organization(acme, elsewhere):
    theirs = make.connection(elsewhere)

    assert code_of(ask(issued(acme, "read").clear, f"/api/providers/{theirs.pk}")) == (404, "not_found")


def test_there_is_an_end_to_how_many_keys_work(acme, alice, monkeypatch):
    monkeypatch.setattr(issuing, "MOST", 2)
    issued(acme, by=alice)
    issued(acme, by=alice, expires_at=timezone.now() - timedelta(days=1))
    browser = proved(alice)

    assert post(browser).status_code == 201
    assert code_of(post(browser)) == (409, "no_more_keys")


def test_a_sample_workspace_has_no_keys(alice):
    make.organization("Sample", owner=alice, is_sample=True)

    assert code_of(post(proved(alice))) == (409, "no_more_keys")
