"""What is stored waits to be added up, and nobody who reads sums sees them without it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.db import DataError, Error, connection, connections
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from psycopg import ClientCursor
from psycopg.pq import TransactionStatus

from tests import make
from tests.product import wait_for
from tests.usage.measuring.conftest import HOUR, NOON, event
from tests.usage.measuring.test_adding_up import assert_true_to_its_events, story
from tokentra.lib.tenancy import organization_scope
from usage import audit, partitions
from usage.measured import MeasuredDay, Run, Waiting
from usage.measuring import at_once, beside, catching_up, statements, step_sizes, transactions, turning
from usage.measuring.given import GIVEN
from usage.measuring.stepping import step_through
from usage.models import DayRollup, LedgerDay
from usage.spenders import calls
from usage.tasks import add_up_events


def waits(organization, *, up_to_date=False):
    """Events that wait, and calls that are added up."""
    with organization_scope(organization.pk, up_to_date=up_to_date):
        waiting = Waiting.objects.owned_by(organization).aggregate(all=Sum("events"))["all"] or 0
        days = MeasuredDay.objects.owned_by(organization).filter(dimension="all")
        return waiting, days.aggregate(all=Sum("calls"))["all"] or 0


def test_what_is_stored_waits_until_a_scope_opens(acme, send):
    send(event(id="one"), event(id="two"))
    send(event(id="two"), event(id="three"))
    before = waits(acme)

    assert (before, waits(acme, up_to_date=True)) == ((3, 0), (0, 3))
    assert_true_to_its_events(acme)


def test_duplicates_alone_let_nothing_wait(acme, send):
    send(event(id="one"))
    waits(acme, up_to_date=True)

    send(event(id="one"))

    with organization_scope(acme.pk, up_to_date=False):
        assert not Waiting.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_thread_adds_up_beside_whoever_stores_many(acme, send, few):
    told = story(4, 12)

    send(*told[:4])
    before = waits(acme)
    send(*told[4:6])
    wait_for(lambda: waits(acme) == (0, 6), 30, "six are added up")
    send(*told[6:])

    assert before == (4, 0)
    wait_for(lambda: waits(acme) == (0, 12), 30, "all are added up")


@pytest.mark.django_db(transaction=True)
def test_the_thread_is_rung_for_once_events_are_committed(acme, send, few):
    with organization_scope(acme.pk, up_to_date=False):
        send(*story(4, 6))
        assert "adding up" not in [thread.name for thread in threading.enumerate()]

    wait_for(lambda: waits(acme) == (0, 6), 30, "all are added up")


@pytest.mark.django_db(transaction=True)
def test_nobody_who_stores_waits_for_whoever_is_at_it(acme, send, few, caplog):
    with closing(connection.copy()) as other, other.cursor() as cursor:
        name = transactions.adding_up_of(acme.pk)
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        send(*story(4, 6))
        left = waits(acme)
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])

    assert (left, caplog.records) == ((6, 0), [])
    wait_for(lambda: waits(acme) == (0, 6), 30, "all are added up")


@pytest.mark.django_db(transaction=True)
def test_whoever_stores_more_than_the_thread_can_waits_for_it(acme, send, few, monkeypatch):
    monkeypatch.setattr(beside, "ENOUGH", 100)
    monkeypatch.setattr(beside, "MOST_BEHIND", 5)

    send(*story(4, 6))

    assert waits(acme) == (0, 6)


@pytest.fixture
def shared(few):
    """As in a web process, in whose session nobody has added up yet."""
    connection.close()
    catching_up.share()
    yield
    catching_up.watch()


def has_planned():
    """Whether this thread's session has added up."""
    return "tt_add_up" in statements._prepared.get(connection.connection, ())


@pytest.mark.django_db(transaction=True)
def test_where_many_read_one_session_adds_up_for_them(acme, send, shared):
    send(*story(2, 4))

    assert waits(acme, up_to_date=True) == (0, 4)
    assert not has_planned()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_another_organization(acme, elsewhere, send, shared):
    send(*story(2, 4))
    with closing(connection.copy()) as other, other.cursor() as cursor:
        name = transactions.adding_up_of(elsewhere.pk)
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        send(*story(3, 6), to=elsewhere)
        wait_for(lambda: catching_up._beside._busy == elsewhere.pk, 30, "the thread waits for the other one")

        assert waits(acme, up_to_date=True) == (0, 4)
        assert has_planned()
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


@pytest.mark.django_db(transaction=True)
def test_who_reads_hears_why_it_could_not_be_added_up(acme, send, shared, monkeypatch):
    send(*story(2, 4))
    monkeypatch.setitem(statements.PREPARED, "tt_add_up", "AS SELECT 1 / 0")

    with pytest.raises(Error), organization_scope(acme.pk):
        pass
    assert waits(acme) == (4, 0)


@pytest.mark.worker
def test_the_sweep_adds_up_what_nobody_read(acme, elsewhere, send):
    send(event())
    send(event(), event(id="two"), to=elsewhere)

    add_up_events()

    assert (waits(acme), waits(elsewhere)) == ((0, 1), (0, 2))


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_c3_the_command_adds_up_what_nobody_read_without_workers_and_redis(acme, send, settings):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/redis.sock"
    send(event())

    call_command("sweep")

    assert waits(acme) == (0, 1)


def test_much_is_added_up_in_steps(acme, send):
    send(*story(1, 6))
    with organization_scope(acme.pk, up_to_date=False):
        Waiting.objects.update(events=step_sizes.MOST)
    send(*story(2, 4, days=5))
    with organization_scope(acme.pk, up_to_date=False):
        is_more = catching_up.add_up(acme.pk)

    assert is_more
    assert waits(acme)[0] == 4
    assert waits(acme, up_to_date=True) == (0, 10)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_add_up_each_event_once_and_see_what_was_acknowledged(acme, send):
    told = story(8, 300)
    acknowledged, late = [], []

    def write_and_read(number):
        try:
            for start in range(number * 100, number * 100 + 100, 10):
                acknowledged.append(send(*told[start : start + 10]).accepted)
                stored = sum(acknowledged)
                if waits(acme, up_to_date=True)[1] < stored:
                    late.append(start)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write_and_read, range(3)))

    assert late == []
    assert waits(acme) == (0, 300)
    assert_true_to_its_events(acme)


@pytest.mark.django_db(transaction=True)
def test_events_of_a_week_that_is_there_are_stored_by_one_exchange(acme, send, monkeypatch):
    sent = []
    for place, name in ((ClientCursor, "execute"), (at_once, "prepared")):
        real = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *asked, real=real: sent.append(asked[1]) or real(*asked))
    assert send(event(id="one", customerId="c-1")).accepted == 1
    firsts, sent[:] = len(sent), []

    with CaptureQueriesContext(connection) as others:
        answer = send(event(id="two", customerId="c-1"), event(id="three", customerId="c-1"))
        state = connection.connection.info.transaction_status

    assert (answer.accepted, len(sent), list(others), state) == (2, 1, [], TransactionStatus.IDLE)
    assert firsts > 1
    assert send(event(id="two", customerId="c-1"), event(id="four", customerId="c-2")).duplicates == 1
    assert waits(acme, up_to_date=True) == (0, 4)
    assert_true_to_its_events(acme)


def test_what_waits_is_turned_with_the_rest(acme, send):
    account = make.connection(acme)
    send(event(id="one"))
    waits(acme, up_to_date=True)
    send(event(id="two"), event(id="another day", occurredAt=(NOON - timedelta(days=1)).isoformat()))

    with organization_scope(acme.pk, up_to_date=False):
        LedgerDay.objects.create(
            organization=acme, connection_id=account.pk, day=NOON.date(), provider="openai", usage_read_at=NOON
        )
        turning.turn(acme.pk, "openai", [NOON.date()])

    with organization_scope(acme.pk, up_to_date=False):
        counted = DayRollup.objects.filter(ledger="measured").values_list("day", "counted").order_by("day")
        assert list(counted) == [(NOON.date() - timedelta(days=1), True), (NOON.date(), False)]
    assert list(audit.Audit(acme.pk).run()) == []


def test_sums_are_made_without_sorting_whatever_is_known_of_the_table(acme):
    with organization_scope(acme.pk, up_to_date=False), ClientCursor(connection.connection) as own:
        own.execute("DISCARD PLANS; SET LOCAL work_mem = '64kB'; SET LOCAL hash_mem_multiplier = 1")
        statements.prepare(own, "tt_add_up")
        plan = statements.by_key(own, "EXPLAIN EXECUTE tt_add_up (%s, '1 hour', '{}', 'UTC', false, 20000)", [acme.pk])

    lines = [line for (line,) in plan]
    sorted_for = [key for line, key in pairwise(lines) if "GroupAggregate" in line]
    # Counts of who was there are written in this order, so that they are sorted before or after.
    assert [key for key in sorted_for if not key.endswith(".before")] == []


WAYS = {"tt_below": ["above", "id"], "tt_counted": ["id", "id"]}  # what others find once by its id


@pytest.mark.parametrize("held", [0, 300])
def test_events_are_found_by_their_key_in_a_week_of_which_nothing_is_known(held, acme, send):
    at = NOON + timedelta(weeks=50)
    partitions.ensure([at.date()], table=partitions.EVENTS)
    send(*(event(id=str(number), occurredAt=at.isoformat()) for number in range(held)), now=at)
    with organization_scope(acme.pk, up_to_date=False), ClientCursor(connection.connection) as own:
        own.execute("DISCARD PLANS")
        statements.prepare(own, *statements.PREPARED)
        plans = {
            statement: statements.by_key(own, f"EXPLAIN EXECUTE {statement}", [acme.pk, *days])
            for statement, *days in (
                ["tt_add_up (%s, '1 hour', '{}', 'UTC', false, 20000)"],
                ["tt_held (%s, '{}'" + ", '{}'" * len(GIVEN) + ")"],
                ["tt_below (%s, '{}', %s, %s)", at, at],
                ["tt_counted (%s, '{}', %s, %s)", at, at],
                ["tt_move (%s, '{}', '{}', '{}')"],
            )
        }

    week = f"usage_event_{at - timedelta(days=at.weekday()):%Y%m%d}"
    for statement, plan in plans.items():
        reads = [(line, below) for (line,), (below,) in pairwise(plan) if "Scan" in line and f"on {week}" in line]
        columns = ["above" if f"{week}_organization_id_above" in line else "id" for line, _ in reads]
        assert columns == WAYS.get(statement.split()[0], ["id"])
        for column, (read, found_by) in zip(columns, reads, strict=True):
            assert column == "above" or f"{week}_pkey" in read
            assert f"({column} = " in found_by


@pytest.mark.django_db(transaction=True)
def test_a_session_that_only_stores_holds_no_plan_for_adding_up(acme, send):
    connection.close()
    send(event())
    storing = prepared()
    waits(acme)
    with organization_scope(acme.pk):
        pass

    assert (storing, prepared() - storing) == ({*statements.STORING}, {"tt_add_up"})


def prepared():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'tt\\_%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("of", ["agent", "customer"])
def test_runs_of_somebody_are_found_by_an_index_without_those_of_nobody(of, acme, send):
    others = (event(id=str(number), runId=f"other-{number}") for number in range(200))  # what an index of all has more
    send(event(id="one", runId="r-1", agent="planner", customerId="c-1"), *others)
    with organization_scope(acme.pk), connection.cursor() as cursor:
        found = Run.objects.owned_by(acme).filter(**{of: "planner" if of == "agent" else "c-1"}).order_by("-started_at")
        assert [run.run for run in found] == ["r-1"]
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        plan = found.explain()

    assert f"runs_of_a{'n' if of == 'agent' else ''}_{of}" in plan


def test_calls_are_found_by_the_index_on_their_minutes(acme, send):
    send(event(runId="r-1"))
    with organization_scope(acme.pk), connection.cursor() as cursor:
        run = Run.objects.get(run="r-1")
        with CaptureQueriesContext(connection) as asked:
            calls.of_run(acme, run)
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = [line for (line,) in cursor.fetchall()]

    week = f"usage_event_{NOON - timedelta(days=NOON.weekday()):%Y%m%d}"
    reads = [line for line in plan if "Scan" in line and f"on {week}" in line]
    assert len(reads) == 2
    assert all("date_bin" in line for line in reads), plan


def test_what_comes_of_a_deleted_organization_is_no_error(acme, send):
    send(event(occurredAt=(NOON - HOUR).isoformat()))
    gone = acme.pk
    with organization_scope(gone, up_to_date=False):
        acme.delete()
        assert not catching_up.add_up(gone)


def test_an_organization_that_fails_costs_no_other_its_turn(acme, elsewhere):
    looked_at = []

    def step(organization_id):
        looked_at.append(organization_id)
        if organization_id == acme.pk:
            raise DataError("nothing that can be added up")
        return len(looked_at) < 3

    assert not step_through([acme.pk, elsewhere.pk], step)
    assert looked_at == [acme.pk, elsewhere.pk, elsewhere.pk]
