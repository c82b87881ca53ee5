"""Taking one's data along, and the end: of an account, and of an organization with everything in it."""

import json
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.test import Client

from accounts import audit, closing, forgetting
from accounts.mailed import OutboxMail
from accounts.models import AuditLine, Membership, Organization, User
from accounts.organizations import memberships
from budgets.channels.models import ChannelSecret
from providers.models import SealedCredential
from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.dying import KILLED, in_a_child
from tests.make import PASSWORD
from tests.sdk_keys.conftest import issued
from tests.test_isolation_walk import acme_things
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

__all__ = ["acme_things"]


def proved(person: User) -> Browser:
    browser = Browser(person)
    browser.post("/reauthenticate/", {"password": PASSWORD})
    return browser


def rows_by_table(organization: Organization) -> dict[str, int]:
    """By the catalogue: every table that says whose its rows are."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "WHERE a.attname = 'organization_id' AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
        )
        tables = [name for (name,) in cursor.fetchall()]
    found = {}
    with connections["owner"].cursor() as cursor:
        for table in tables:
            cursor.execute("BEGIN")
            cursor.execute(f"SET LOCAL app.org_id = '{organization.pk}'")
            cursor.execute(f"SELECT count(*) FROM {table} WHERE organization_id = %s", [organization.pk])
            found[table] = cursor.fetchone()[0]
            cursor.execute("COMMIT")
    return {table: count for table, count in found.items() if count}


def used(key: str) -> int:
    return Client().get("/api/usage/stats", headers={"Authorization": f"Bearer {key}"}).status_code


def ends(organization: Organization, by: User) -> Any:
    return proved(by).post("/settings/organization/delete/", {"typed": organization.name})


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_an_organization_goes_from_every_table_and_nothing_else_does(acme_things, acme, alice, elsewhere, mallory):
    make.spend(elsewhere, make.connection(elsewhere), "5")
    before, theirs = rows_by_table(acme), rows_by_table(elsewhere)
    assert len(before) > 20, "something is in most tables"

    answer = ends(acme, alice)
    assert answer.status_code == 302
    assert closing.go_on() is False

    assert rows_by_table(acme) == {}
    assert not Organization.objects.filter(pk=acme.pk).exists()
    assert rows_by_table(elsewhere) == theirs
    letter = OutboxMail.objects.get(kind="organization_deleted")
    assert (letter.to, letter.subject) == (alice.email, "Acme was deleted from TokenTra")


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_e7_from_that_moment_nobody_gets_in_and_no_key_opens(acme_things, acme, alice, bob):
    browser = Browser(bob)
    key = issued(acme, "ingest", "read", by=alice).clear
    assert used(key) == 200

    ends(acme, alice)

    with organization_scope(acme.pk):
        for model in (SealedCredential, ChannelSecret):
            assert {bytes(each.wrapped_key) for each in model.objects.filter(organization_id=acme.pk)} <= {b""}
    assert memberships(bob) == []
    assert browser.get("/dashboard/", follow=True).redirect_chain
    assert (
        key is None or Client().get("/api/usage/stats", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    )


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_killed_goes_on_where_it_was(acme_things, acme, alice, tmp_path, monkeypatch):
    monkeypatch.setattr(closing, "BATCH", 1)
    ends(acme, alice)
    before = sum(rows_by_table(acme).values())

    assert in_a_child("closing.after_batch", tmp_path, closing.go_on) == KILLED

    assert 0 < sum(rows_by_table(acme).values()) < before
    assert closing.go_on() is False
    assert rows_by_table(acme) == {}


def test_a_step_ends_in_time_and_says_that_more_is_left(acme, monkeypatch, in_acme):
    make.spend(acme, make.connection(acme), "5")
    closing.close(acme)

    assert closing.step(acme.pk, until=0) is False


def test_e13_the_name_is_typed_by_an_owner_who_proved_who_they_are(acme, alice, bob):
    path = "/settings/organization/delete/"
    page = body_of(Browser(alice).get(path))
    assert "2 members" in page
    assert "0 budgets" in page
    assert proved(alice).post(path, {"typed": "acme!"}).status_code == 422
    assert Browser(bob).get(path).status_code == 403
    assert "/reauthenticate/" in Browser(alice).post(path, {"typed": "Acme"})["Location"]
    assert len(memberships(alice)) == 1


def test_everything_is_a_file_without_what_opens_something(acme_things, acme, alice):
    answer = proved(alice).get("/settings/organization/export/")
    rows = [json.loads(line) for line in body_of(answer).splitlines()]

    assert rows[0]["name"] == "Acme"
    assert rows[-1] == {"rowCount": len(rows) - 1}
    tables = {row.get("table") for row in rows}
    assert {"accounts_membership", "usage_usagerecord", "budgets_budget", "providers_connection"} <= tables
    assert not tables & {"providers_sealedcredential", "sdk_keys_keydigest"}
    named = {name for row in rows for name in row}
    assert not {name for name in named if "digest" in name and name != "in_digest"} | (
        named & {"key_fingerprint", "wrapped_key"}
    )
    with organization_scope(acme.pk):
        assert AuditLine.objects.filter(action="organization_exported").count() == 1


def test_a_person_takes_what_names_them_along_and_nobody_else(acme_things, acme, alice, bob, elsewhere):
    told = json.loads(body_of(Browser(alice).get("/settings/profile/export/")))

    assert told["person"]["email"] == alice.email
    assert [home["name"] for home in told["organizations"]] == ["Acme"]
    assert told["organizations"][0]["rows"]["accounts_membership"]
    assert "password" not in json.dumps(told)
    rows = json.dumps(told["organizations"][0]["rows"]["accounts_membership"])
    assert str(bob.pk) not in rows


def test_the_only_owner_cannot_go(acme, alice):
    answer = proved(alice).post("/settings/profile/delete/", {"typed": alice.email})

    assert answer.status_code == 409
    assert "You are their only owner" in body_of(answer)
    with pytest.raises(forgetting.StillNeeded):
        forgetting.forget(alice)
    assert User.objects.get(pk=alice.pk).is_active


def test_an_account_goes_and_what_was_done_stays_without_a_name(acme, alice, bob):
    with organization_scope(acme.pk):
        audit.note("key_created", acme, bob, name="Worker")
    browser = proved(bob)
    assert browser.post("/settings/profile/delete/", {"typed": "somebody@else.example"}).status_code == 422

    assert browser.post("/settings/profile/delete/", {"typed": "BOB@acme.example"}).status_code == 302

    assert "/login/" in browser.get("/settings/profile/")["Location"]
    gone = User.objects.get(pk=bob.pk)
    assert (gone.is_active, gone.full_name, gone.has_usable_password()) == (False, "", False)
    assert not EmailAddress.objects.filter(email="bob@acme.example").exists()
    assert not Client().login(username="bob@acme.example", password=PASSWORD)
    with organization_scope(acme.pk):
        assert not Membership.objects.filter(user=bob).exists()
    page = body_of(Browser(alice).get("/settings/audit/"))
    assert "A deleted account" in page
    assert [mail.kind for mail in OutboxMail.objects.filter(to="bob@acme.example")] == ["account_deleted"]
    assert make.user("bob@acme.example").pk != bob.pk, "the address is free again"
