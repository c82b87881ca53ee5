"""A run keeps when its last call ended, also one that was added up before runs did."""

from datetime import timedelta

import pytest
from django.db import connections, transaction

from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_kinds import go
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event, Run

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_migration_looks_for_the_ends_of_the_calls_that_are_kept(acme, elsewhere, send):
    for organization in (acme, elsewhere):
        send(
            event(id="a", runId="long", occurredAt=f"{NOON - timedelta(seconds=18):%FT%TZ}", latencyMs=21_100),
            event(id="b", runId="long", latencyMs=400),
            event(id="c", runId="gone", latencyMs=400),
            event(id="d", runId="untold"),
            to=organization,
        )
        with organization_scope(organization.pk):
            Event.objects.owned_by(organization).filter(ref="c").delete()
    owner = connections["owner"]

    def ends():
        with owner.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
            cursor.execute("SELECT run, ended_at FROM usage_run")
            return {run: (at - NOON) / timedelta(milliseconds=1) for run, at in cursor.fetchall()}

    with transaction.atomic(using="owner"):
        held = ends()
        go(owner, "0009_runs_of_somebody")
        go(owner, "0010_ends_of_runs")
        after = ends()
        transaction.set_rollback(True, using="owner")  # leaves the database as it was

    assert held == {"long": 3_100, "gone": 400, "untold": 0}
    assert after == held | {"gone": 0}


def test_calls_that_come_later_only_put_the_end_off(acme, send):
    send(event(id="a", runId="r", latencyMs=900))
    send(event(id="b", runId="r", occurredAt=f"{NOON - timedelta(seconds=5):%FT%TZ}", latencyMs=100))
    send(event(id="c", runId="r", occurredAt=f"{NOON - timedelta(seconds=2):%FT%TZ}", latencyMs=4_000))

    with organization_scope(acme.pk):
        assert Run.objects.get().took_ms == 7_000
