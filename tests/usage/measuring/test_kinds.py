"""What calls have in common is kept once, whoever writes it, and each call says it again (usage.measuring.kinds)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from itertools import combinations

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from tests.product import wait_for
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_adding_up import assert_true_to_its_events, story
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import organization_scope
from usage.call_kinds import CallKind
from usage.measured import Event
from usage.measuring import kinds

pytestmark = pytest.mark.django_db

migration = import_module("usage.migrations.0003_call_kinds")
DAY = timedelta(days=1)
KEY = "0193d5d0-7f5e-7c3a-8c5e-0a7d8e6f5b4c"
SAID = (
    (None, "openai", "gpt", None, "ok", None, "computed", "@1:"),
    (KEY, "openai", "gpt", None, "ok", None, "computed", "@1:"),
    (None, "openai", "gpt", "", "ok", None, "computed", "@1:"),
    (None, "openai", "gpt", None, "ok", "", "computed", "@1:"),
    (None, "openai", "gpt", "-", "ok", None, "computed", "@1:"),
    (None, "openai", "gpt", "ok", "", None, "computed", "@1:"),
    (None, "open", "aigpt", None, "ok", None, "computed", "@1:"),
    (None, "openai3:gpt", "", None, "ok", None, "computed", "@1:"),
    (None, "openai", "3:gpt", None, "ok", None, "computed", "@1:"),
    (None, "openai", "gpt", None, "ok-", None, "computed", "@1:"),
    (None, "openai", "gpt", "chat", "ok", None, "computed", "@1:"),
    (None, "openai", "gpt", None, "ok", "chat", "computed", "@1:"),
    (None, "openai", "gpt ", None, "ok", None, "computed", "@1:"),
    (None, "openai", "Gpt", None, "ok", None, "computed", "@1:"),
    (None, "openai", 'g"p\\t\n', None, "ok", None, "computed", "@1:"),
    (None, "openai", "gpt\N{COMBINING DIAERESIS}", "\N{SAUROPOD}", "ok", "t\u00e4sk", "computed", "@1:"),
)


def test_what_differs_at_all_is_of_another_kind():
    assert [(one, other) for one, other in combinations(SAID, 2) if kinds.hashed(one) == kinds.hashed(other)] == []


def test_the_migration_calls_kinds_as_writers_do():
    """It cannot ask them: they go on, and it stays as it is."""
    with connection.cursor() as cursor:
        hashes = []
        for said in SAID:
            given = ", ".join(f"%s AS {name}" for name in migration.OF_KIND)
            cursor.execute(f"SELECT ({migration.HASH})::text FROM (SELECT {given}) AS given", said)
            hashes.append(cursor.fetchone()[0])

    assert hashes == [kinds.hashed(said) for said in SAID]


def held_of(organization):
    """Kinds, and the model of each event."""
    with organization_scope(organization.pk):
        return CallKind.objects.count(), sorted(kept.model for kept in Event.objects.all())


def test_a_kind_is_kept_once_and_each_event_says_it(acme, elsewhere, send):
    said = {"operation": "chat", "environment": "live", "status": "error"}
    send(event(id="one", **said), event(id="two", tokens={"input": 7}, **said), event(id="three"))
    send(event(id="four", **said))
    send(event(id="five", **said), to=elsewhere)

    with organization_scope(acme.pk):
        found = [
            (kept.ref, kept.provider, kept.operation, kept.environment, kept.status, kept.basis, kept.key_id)
            for kept in Event.objects.order_by("ref")
        ]
        assert CallKind.objects.count() == 2
    like = ("openai", "chat", "live", "error", "computed", None)
    assert found == [
        ("four", *like),
        ("one", *like),
        ("three", "openai", None, None, "ok", "computed", None),
        ("two", *like),
    ]
    assert held_of(elsewhere) == (1, ["gpt-4o-mini"])


def test_a_list_of_events_is_one_query(acme, send, django_assert_num_queries):
    send(*(event(model=f"m-{number}") for number in range(5)))

    with organization_scope(acme.pk), django_assert_num_queries(1):
        assert len({kept.model for kept in Event.objects.owned_by(acme)}) == 5


@pytest.mark.parametrize("other", ["operation", "environment", "model", "provider", "status"])
def test_an_id_that_comes_again_with_another_kind_is_a_conflict(other, send):
    send(event(id="mine"))

    again = send(event(id="mine", **{other: "error" if other == "status" else "other"}))

    assert [result.status for result in again.results] == ["conflict"]
    assert [result.status for result in send(event(id="mine")).results] == ["duplicate"]


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_not_believed_in(acme, send):
    send(event(id="zero", model="another"))  # its week is there, and this process has a connection
    with suppress(ZeroDivisionError), organization_scope(acme.pk):
        send(event(id="one"))
        raise ZeroDivisionError

    send(event(id="one"))

    assert held_of(acme) == (2, ["another", "gpt-4o-mini"])
    assert_true_to_its_events(acme)


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_believes_nothing(acme, send):
    """It may lead to another server, which has not got what the last one had."""
    send(event(id="one"))
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).delete()
        CallKind.objects.owned_by(acme).delete()
    connection.close()

    send(event(id="one"))

    assert held_of(acme) == (1, ["gpt-4o-mini"])


def test_what_one_sender_names_makes_a_session_forget_no_other_senders_kinds(acme, elsewhere):
    session = connection.connection
    kinds.remember(session, acme.pk, {"of acme"})
    kinds.remember(session, elsewhere.pk, set(map(str, range(kinds.MOST_REMEMBERED))))

    kinds.remember(session, elsewhere.pk, {"one more"})

    assert kinds.unknown(session, acme.pk, {"of acme"}) == set()
    assert kinds.unknown(session, elsewhere.pk, {"0", "one more"}) == {"0"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("commits", [True, False])
def test_two_writers_of_one_new_kind_are_as_good_as_one(commits, acme, send):
    send(event(id="zero", model="another"))

    def write_too():
        try:
            return send(event(id="two")).accepted
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with suppress(ZeroDivisionError), organization_scope(acme.pk, up_to_date=False):
            send(event(id="one"))
            other = pool.submit(write_too)
            wait_for(somebody_waits, 20, "the other waits for this one's kind")
            1 // commits
        accepted = other.result()

    assert accepted == 1
    assert held_of(acme) == (2, ["another", *["gpt-4o-mini"] * (1 + commits)])
    assert_true_to_its_events(acme)


def somebody_waits():
    return sessions_that_wait() == 1


@pytest.mark.django_db(transaction=True)
def test_the_migration_moves_what_is_held_and_back(acme, elsewhere, send):
    with connection.cursor() as cursor:
        cursor.execute("SELECT usage_make_partition('usage_event', %s)", [(NOON - 30 * DAY).date()])
    for organization in (acme, elsewhere):
        send(*story(3, 40, days=3), to=organization)
    send(event(id="old", occurredAt=(NOON - 30 * DAY).isoformat(), environment="", operation="chat"))
    owner = connections["owner"]

    def rows(columns, joined=""):
        found = {}
        with owner.cursor() as cursor:
            for organization in (acme, elsewhere):
                cursor.execute(f"SET LOCAL app.org_id = '{organization.pk}'")
                cursor.execute(f"SELECT {columns} FROM usage_event e {joined} ORDER BY day, e.id")
                found[organization.pk] = cursor.fetchall()
        return found

    others = "e.organization_id, e.id, e.day, e.amount, e.tags, e.customer, e.currency, e.ref"
    joined = "JOIN usage_callkind k ON k.organization_id = e.organization_id AND k.id = e.kind_id"
    with transaction.atomic(using="owner"):
        held = rows(f"{others}, {told('k')}, e.kind_id", joined)
        go(owner, "0002_sparse_sums")
        before = rows(f"{others}, {told('e')}")
        go(owner, "0003_call_kinds")
        after = rows(f"{others}, {told('k')}, e.kind_id", joined)
        transaction.set_rollback(True, using="owner")  # leaves the database as it was

    assert [len(each) for each in held.values()] == [41, 40]
    assert before == {key: [row[:-1] for row in each] for key, each in held.items()}
    assert after == held


def told(row):
    return ", ".join(f"{row}.{name}" for name in migration.OF_KIND)


def go(owner, name):
    MigrationExecutor(owner).migrate([("usage", name)])
