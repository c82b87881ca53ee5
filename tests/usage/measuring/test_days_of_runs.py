"""A run holds its days, and is counted once over any of them."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import connection, connections, transaction
from psycopg import ClientCursor

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_appearing import nodes
from tests.usage.measuring.test_kinds import go
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.measured import Run
from usage.measuring import appearing

pytestmark = pytest.mark.django_db
DAY, TODAY = timedelta(days=1), NOON.date()


def at(days_ago, run="r", hour=12):
    moment = NOON.replace(hour=hour) - days_ago * DAY
    return event(id=f"{run} {moment}", runId=run, occurredAt=f"{moment:%FT%TZ}")


def days_of(organization):
    """Of each run, as days before today."""
    with organization_scope(organization.pk):
        return {run.run: [(TODAY - day).days for day in run.days] for run in Run.objects.owned_by(organization)}


def unique(organization, first, last=None):
    """Runs from so many days ago up to another day."""
    start, end = TODAY - first * DAY, TODAY - (first if last is None else last) * DAY + DAY
    with organization_scope(organization.pk):
        return appearing.unique(organization, appearing.RUN, start=start, end=end)


@pytest.mark.parametrize(
    "requests",
    [
        [[2, 0, 5, 2]],
        [[2], [0], [5], [2]],
        [[0, 2], [5, 2], [0]],
        [[5], [0, 2]],
    ],
    ids=str,
)
def test_days_are_held_in_order_whenever_the_calls_come(requests, acme, send):
    for number, days in enumerate(requests):
        send(*(at(day) | {"id": f"{number} {place}"} for place, day in enumerate(days)), at(1, f"other {number}"))
        with organization_scope(acme.pk):  # they are added up
            pass

    assert days_of(acme)["r"] == [5, 2, 0]
    assert [unique(acme, day) for day in (5, 4, 2, 0)] == [1, 0, 1, 1]
    assert (unique(acme, 5, 0), unique(acme, 4, 1)) == (1 + len(requests), 1 + len(requests))
    oracle.assert_true(acme)
    assert list(Audit(acme.pk).run()) == []


def test_days_move_with_the_zone(acme, alice, send):
    send(at(1, "late", hour=23), at(2, "long", hour=23), at(1, "long", hour=1), at(1, "noon"))
    assert days_of(acme) == {"late": [1], "long": [2, 1], "noon": [1]}

    move_to(acme, "Asia/Tokyo", by=alice)
    all_steps(acme)

    assert days_of(acme) == {"late": [0], "long": [1], "noon": [1]}
    assert [unique(acme, day) for day in (2, 1, 0)] == [0, 2, 1]
    oracle.assert_true(acme)


@pytest.mark.django_db(transaction=True)
def test_a_day_is_compared_by_runs_near_it_and_those_of_many_days(acme, send):
    send(at(29, "long"), at(2, "long"), at(2, "alone"))
    with organization_scope(acme.pk):
        alone = Run.objects.owned_by(acme).get(run="alone")
        for number in range(2_000):
            began = alone.started_at - number % 28 * DAY
            alone.pk = acme.pk, UUID(int=number)
            alone.run, alone.started_at, alone.days = str(number), began, [began.date()]
            alone.save(force_insert=True)
    with connections["owner"].cursor() as owner:
        owner.execute("ANALYZE usage_run")
    with organization_scope(acme.pk), ClientCursor(connection.connection) as own:
        own.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        params = {"organization": acme.pk, "day": TODAY - 9 * DAY}
        own.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {appearing.NOTED_RUNS}", params)
        [(plan,)] = own.fetchall()

    read = [node for node in nodes(plan) if node.get("Relation Name") == "usage_run"]
    assert {node["Index Name"] for node in read} == {"runs_by_cost", "runs_on_other_days"}
    assert sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in read) <= 3 * (2_000 / 28 + 1) + 1


@pytest.mark.django_db(transaction=True)
def test_the_migration_hands_runs_their_days_and_back(acme, elsewhere, send):
    for organization in (acme, elsewhere):
        send(at(3), at(1), at(1, "alone"), at(2, "late", hour=23), to=organization)
        with organization_scope(organization.pk):
            pass
    owner = connections["owner"]

    def held():
        with owner.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
            cursor.execute("SELECT run, days FROM usage_run")
            days = dict(cursor.fetchall())
            cursor.execute("SELECT day, before, count FROM usage_appearancecount WHERE kind = 'run' AND count <> 0")
            return days, set(cursor.fetchall())

    def rows():
        with owner.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
            cursor.execute("SELECT count(*) FROM usage_appearance WHERE kind = 'run'")
            return cursor.fetchone()[0]

    with transaction.atomic(using="owner"):
        before = held()
        go(owner, "0016_partly_priced")
        between = rows()
        go(owner, "0017_days_of_runs")
        after = held(), rows()
        transaction.set_rollback(True, using="owner")  # leaves the database as it was

    three, one = TODAY - 3 * DAY, TODAY - DAY
    assert before[0] == {"r": [three, one], "alone": [one], "late": [TODAY - 2 * DAY]}
    assert before[1] == {(three, date.min, 1), (one, three, 1), (one, date.min, 1), (TODAY - 2 * DAY, date.min, 1)}
    assert between == 4
    assert after == (before, 0)
