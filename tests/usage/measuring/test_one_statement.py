"""What is new is stored by one statement: it opens the scope, waits for whoever is alone, and ends the scope again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from psycopg.errors import InsufficientPrivilege

from tests.product import wait_for
from tests.usage.measuring.conftest import NOON, event
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import OtherScope, organization_scope
from usage.discarded import Discard
from usage.measuring import catching_up, kinds, storing, transactions
from usage.measuring.reading import Reader
from usage.pricing import Price

pytestmark = pytest.mark.django_db(transaction=True)


def said(sql: str, name: str) -> Callable[[], str]:
    def said():
        with connection.cursor() as cursor:
            cursor.execute(sql, [name])
            return cursor.fetchone()[0] or ""

    return said


scope = said("SELECT current_setting(%s, true)", "app.org_id")
commits = said("SELECT current_setting(%s)", "synchronous_commit")


def test_nothing_of_its_scope_stays(send, held):
    send(event(id="one"))
    answer = send(event(id="two"), event(id="three"))

    assert (answer.accepted, scope(), len(held())) == (2, "", 3)


def test_what_was_left_out_is_counted_with_it(acme, send, held):
    send(event(id="one"))
    with CaptureQueriesContext(connection) as others:
        answer = send(event(id="two", prompt="x" * 300), event(id="three", model=""), event(id="four", cost={}))

    with organization_scope(acme.pk):
        counts = {row.reason: (row.count, row.field) for row in Discard.objects.all()}
    assert (answer.accepted, answer.rejected, list(others), scope(), len(held())) == (1, 2, [], "", 2)
    assert counts == {"content": (1, ""), "invalid_field": (1, "model"), "missing_field": (1, "cost.amount")}


def test_where_some_are_held_what_was_left_out_is_counted_once(acme, send):
    send(event(id="one"))
    for _ in range(2):
        send(event(id="one", prompt="x" * 300), event(id="two", model=""))

    with organization_scope(acme.pk):
        assert {row.reason: row.count for row in Discard.objects.all()} == {"content": 2, "invalid_field": 2}


def test_where_some_are_held_the_scope_is_over_too(send, held):
    send(event(id="one"))
    answer = send(event(id="one"), event(id="two"))

    assert (answer.accepted, answer.duplicates, scope(), len(held())) == (1, 1, "", 2)


def test_in_the_scope_of_another_nothing_is_stored(acme, elsewhere, send, held):
    send(event(id="one"))
    with organization_scope(elsewhere.pk), pytest.raises(OtherScope):
        send(event(id="two"))

    assert len(held()) == 1


def test_inside_a_scope_the_database_refuses_rows_of_another_organization(acme, elsewhere, send, held):
    """Where our code would let them through."""
    send(event(id="one"))
    [kept] = held()
    read = Reader(acme.pk, None, NOON).read(event(id="two"))
    told = storing.Told(acme.pk, [(read, Price(kept.amount, kept.basis, kept.rate_ref))], None, NOON, ZoneInfo("UTC"))
    assert list(told.kinds) == [str(kept.kind_id)]

    with organization_scope(elsewhere.pk), pytest.raises(InsufficientPrivilege):
        storing.written(connection.connection, told, told.columns())
    with organization_scope(acme.pk):
        assert storing.written(connection.connection, told, told.columns()) == frozenset()


def test_a_session_that_had_no_scope_before_stores(acme, send, held):
    """Where it is given one that is not the first of its process."""
    send(event(id="one"))
    known = {str(each.kind_id) for each in held()}
    connection.close()
    connection.ensure_connection()
    kinds.remember(connection.connection, acme.pk, known)

    with CaptureQueriesContext(connection) as others:
        answer = send(event(id="two"))

    assert (answer.accepted, list(others), len(held())) == (1, [], 2)


def test_while_it_waits_no_name_stands_in_its_text(acme, send):
    """Nor in the log of one that fails."""
    with ThreadPoolExecutor(1) as pool, closing(connection.copy()) as other, other.cursor() as cursor:
        pool.submit(send, event(id="one", customerId="globex")).result(20)
        other.set_autocommit(False)
        cursor.execute(transactions.ALONE, [transactions.sums_of(acme.pk)])
        waiting = pool.submit(send, event(id="two", customerId="initech"))
        wait_for(sessions_that_wait, 20, "it waits for whoever is alone")
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        texts = [text for (text,) in cursor.fetchall()]
        other.rollback()
        accepted = waiting.result(20).accepted
        pool.submit(connections.close_all).result(20)

    assert ([text[:7] for text in texts], accepted) == (["PREPARE"], 1)
    assert "initech" not in texts[0]


def test_sums_alone_end_before_they_are_on_the_disk(acme, send):
    send(event(id="one"))
    with organization_scope(acme.pk, up_to_date=False):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")  # as it is outside of tests
        catching_up.add_up(acme.pk)
        with_more = commits()
        catching_up.add_up(acme.pk, is_last=True)
        by_itself = commits()

    assert (with_more, by_itself) == ("on", "off")
