"""The journal and the audit log: lines are added, and go only when their whole organization does."""

import pytest
from django.db import DatabaseError, connection

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import AuditLine, JournalEntry, Organization
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

LINES = [JournalEntry, AuditLine]
STATEMENTS = {
    "deleting it": "DELETE FROM {table}",
    "changing what happened": "UPDATE {table} SET data = '{{}}'",
    "changing when": "UPDATE {table} SET at = now()",
    "moving it to another organization": "UPDATE {table} SET organization_id = gen_random_uuid()",
    "emptying the table": "TRUNCATE {table}",
    "taking the key away": "ALTER TABLE {table} DROP CONSTRAINT {table}_goes_with_its_organization",
}


def write_a_line_of_each(organization, person) -> None:
    with organization_scope(organization.pk):
        journal.record(Event.TOOLTIP_DISMISSED, person, organization)  # nothing follows from it
        audit.note("signed_up", organization, person)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def counted(organization) -> list[int]:
    with organization_scope(organization.pk):
        return [model.objects.owned_by(organization).count() for model in LINES]


@pytest.fixture(params=["tt_app", pytest.param("tt_worker", marks=pytest.mark.worker)])
def role(request: pytest.FixtureRequest) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (request.param,)
    return request.param


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
@pytest.mark.parametrize("model", LINES)
def test_a_line_stays_as_it_was_written(model, statement, role, acme, alice):
    write_a_line_of_each(acme, alice)

    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), organization_scope(acme.pk):
        run(statement.format(table=model._meta.db_table))

    assert counted(acme) == [1, 1]


def test_lines_go_with_their_organization_and_no_other_does(role, acme, alice, elsewhere, mallory):
    write_a_line_of_each(acme, alice)
    write_a_line_of_each(elsewhere, mallory)

    with organization_scope(acme.pk):
        Organization.objects.get(pk=acme.pk).delete()

    assert counted(acme) == [0, 0]
    assert counted(elsewhere) == [1, 1]


def test_lines_of_another_organization_cannot_be_removed_through_its_deletion(acme, alice, elsewhere, mallory):
    write_a_line_of_each(elsewhere, mallory)

    with organization_scope(acme.pk), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_organization WHERE id = %s", [elsewhere.pk])
        assert cursor.rowcount == 0

    assert counted(elsewhere) == [1, 1]


def test_a_line_outlives_the_person_it_names(acme, alice, bob):
    write_a_line_of_each(acme, bob)

    with organization_scope(acme.pk):
        bob.delete()

    assert counted(acme) == [1, 1]
    with organization_scope(acme.pk):
        assert JournalEntry.objects.owned_by(acme).get().user is None


def test_a_line_needs_an_organization_that_is_there(acme, alice):
    def write_for_one_that_is_gone() -> None:
        with organization_scope(acme.pk):
            Organization.objects.get(pk=acme.pk).delete()
            audit.note("organization_changed", Organization(id=acme.pk), alice)
            run("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(DatabaseError, match="goes_with_its_organization"):
        write_for_one_that_is_gone()
