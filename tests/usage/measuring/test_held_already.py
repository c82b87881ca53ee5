"""Events of which some are held already, sent as programs send them: each request in a transaction of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from tests.usage.measuring.conftest import event
from tokentra.lib.tenancy import organization_scope
from usage.measured import MeasuredDay, Waiting

pytestmark = pytest.mark.django_db(transaction=True)


def some(*ids, **said):
    return [event(id=id, customerId="globex") | said for id in ids]


@pytest.fixture
def calls(acme):
    """What its sums say."""

    def calls():
        with organization_scope(acme.pk):
            return sum(MeasuredDay.objects.filter(organization_id=acme.pk).of("all").values_list("calls", flat=True))

    return calls


@pytest.mark.parametrize("before", [["a"], ["c"], ["a", "b"], ["a", "b", "c"]])
def test_b22_what_is_new_beside_it_is_stored_and_counts_once(send, held, calls, before):
    send(*some(*before))
    answer = send(*some("a", "b", "c"))

    assert (answer.accepted, answer.duplicates, answer.conflicts) == (3 - len(before), len(before), 0)
    assert [(each.index, each.status) for each in answer.results] == [("abc".index(id), "duplicate") for id in before]
    assert sorted(each.ref for each in held()) == ["a", "b", "c"]
    assert calls() == 3


def test_b22_what_differs_from_it_is_a_conflict_and_the_rest_is_stored(send, held, calls):
    send(*some("a", "b"))
    answer = send(*some("a", "c"), *some("b", customerId="initech"))

    assert (answer.accepted, answer.duplicates, answer.conflicts) == (1, 1, 1)
    assert {each.ref: each.customer for each in held()} == dict.fromkeys("abc", "globex")
    assert calls() == 3


def test_a_kind_that_came_with_it_is_known_afterwards(send, held, calls):
    send(*some("a"))
    send(*some("a"), *some("b", model="gpt-new"))
    send(*some("c", model="gpt-new"))

    assert {each.ref: each.kind.model for each in held()} == {"a": "gpt-4o-mini", "b": "gpt-new", "c": "gpt-new"}
    assert calls() == 3


def test_nothing_waits_twice_to_be_added_up(acme, send):
    send(*some("a"))
    send(*some("a", "b"))

    with organization_scope(acme.pk, up_to_date=False):
        assert sorted(Waiting.objects.owned_by(acme).values_list("events", flat=True)) == [1, 1]


def test_b22_two_who_send_the_same_at_once_store_it_once(send, held, calls):
    send(*some("e0"))  # the week is known then
    together = Barrier(2)

    def one(start):
        try:
            together.wait(10)
            return send(*some(*(f"e{number}" for number in range(start, start + 400))))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(one, (0, 200))

    assert first.accepted + second.accepted == 599
    assert first.duplicates + second.duplicates == 201
    assert len(held()) == 600
    assert calls() == 600
