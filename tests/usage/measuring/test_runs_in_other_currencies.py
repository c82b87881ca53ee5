"""Calls of a run that were paid in another currency are counted, also those of before they were."""

import pytest
from django.db import connections, transaction

from tests.usage.measuring.conftest import event
from tests.usage.measuring.test_kinds import go
from tokentra.lib.tenancy import organization_scope
from usage.measured import Run

pytestmark = pytest.mark.django_db(transaction=True)

EUROS = {"cost": {"amount": "2.5", "currency": "EUR"}}


def test_the_migration_counts_those_that_are_added_up(acme, elsewhere, send):
    for organization in (acme, elsewhere):
        send(
            *(event(id=f"{name}{number}", runId=name, **EUROS) for name in ("a", "b") for number in range(3)),
            event(id="c", runId="a"),
            event(id="d", runId="d"),
            to=organization,
        )
        with organization_scope(organization.pk):
            assert Run.objects.count() == 3
    send(event(id="late", runId="a", **EUROS))
    owner = connections["owner"]

    def counts():
        with owner.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
            cursor.execute("SELECT run, calls, other_calls FROM usage_run ORDER BY run")
            return cursor.fetchall()

    with transaction.atomic(using="owner"):
        held = counts()
        go(owner, "0006_waiting_plainly")
        go(owner, "0007_runs_in_other_currencies")
        after = counts()
        transaction.set_rollback(True, using="owner")  # leaves the database as it was

    assert held == after == [("a", 4, 3), ("b", 3, 3), ("d", 1, None)]
    send(event(id="other", runId="d", **EUROS))
    with organization_scope(acme.pk):
        assert dict(Run.objects.values_list("run", "other_calls")) == {"a": 4, "b": 3, "d": 1}
