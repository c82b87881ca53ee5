"""Many callers at once, and callers that die: each in a transaction of its own, as the database really has them."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier, Lock
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.db.models import F, Sum
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

from accounts.models import Organization
from budgets import calls, checking, knowing, rooms, sweeping
from budgets.reserved import Reservation, Room
from tests import make
from tests.dying import KILLED, in_a_child
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope
from usage.measuring import tracking

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]
CALLERS = 64
KEY = uuid4()


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    knowing.forget()


def call(amount: str | Decimal, name: str | None = None) -> calls.Call:
    return calls.Call("openai", "gpt-4o-mini", name, Decimal(amount))


def ask(of: Organization, amount: str | Decimal, name: str | None = None) -> checking.Answer:
    return checking.check(of.pk, call(amount, name), key_id=KEY, now=NOON)


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """Each in a thread with a session of its own; all begin together."""
    ready = Barrier(count)

    def one(number: int) -> object:
        try:
            ready.wait(30)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def room(of: Organization) -> Room:
    with organization_scope(of.pk):
        return Room.objects.owned_by(of).get()


def test_b53_of_64_callers_at_the_limit_as_many_get_in_as_fit(acme):
    make.budget(acme, "10", mode="block")

    verdicts = at_once(CALLERS, lambda _: ask(acme, "1").verdict)

    assert verdicts.count("allow") + verdicts.count("warn") == 10
    assert verdicts.count("block") == 54
    assert room(acme).reserved == 10


def test_b54_callers_that_are_killed_leave_what_expires_and_nothing_else(acme, tmp_path: Path):
    make.budget(acme, "10", mode="block")
    ask(acme, "1", "alive")
    at = {name: tmp_path / name for name in ("check.before_commit", "check.after_commit")}
    for marks in at.values():
        marks.mkdir()

    assert [in_a_child(name, marks, lambda: ask(acme, "4")) for name, marks in at.items()] == [KILLED, KILLED]

    assert room(acme).reserved == 5  # of the one that died before its commit there is nothing
    assert ask(acme, "6").verdict == "block"
    with organization_scope(acme.pk):
        killed = Reservation.objects.owned_by(acme).filter(amount=4)
        assert killed.update(expires_at=F("expires_at") - timedelta(minutes=10)) == 1
    sweeping.sweep_due()
    assert (room(acme).reserved, room(acme).expired) == (1, 1)
    assert ask(acme, "6").verdict != "block"


def test_a_check_is_one_exchange_with_the_database_which_ends_its_transaction(acme, monkeypatch):
    make.budget(acme, "10", mode="block")
    make.budget(acme, "5", name="Model", mode="block", scope={"model": ["gpt-4o-mini"]})
    ask(acme, "1")
    sent = []
    real = rooms.last_answer
    monkeypatch.setattr(rooms, "last_answer", lambda *asked: sent.append(asked) or real(*asked))

    with CaptureQueriesContext(connection) as others:
        answer = ask(acme, "1")
        state = connection.connection.info.transaction_status

    assert ([each.reserved for each in answer.states], len(sent), list(others)) == ([2, 2], 1, [])
    assert state == TransactionStatus.IDLE


def test_a_check_whose_session_ended_meanwhile_is_answered_by_another_one(acme):
    make.budget(acme, "10", mode="block")
    ask(acme, "1")
    connection.connection.close()

    assert ask(acme, "1").verdict == "allow"
    assert room(acme).reserved == 2


@pytest.mark.long
def test_b53_64_callers_whose_calls_settle_and_expire_never_spend_more_than_the_limit(acme):
    """Every call costs at most what it said; some callers vanish, others check in two budgets. For half a minute."""
    limit = Decimal(2_000)
    budget = make.budget(acme, str(limit), mode="block")
    make.budget(acme, "1500", name="Model", mode="block", scope={"provider": ["openai"]})
    until, lock, admitted = time.monotonic() + 30, Lock(), [Decimal(0)]

    def caller(number: int) -> int:
        own, count = random.Random(number), 0
        while time.monotonic() < until:
            amount = Decimal(own.randrange(1, 500)) / 100
            answer = ask(acme, amount)
            count += 1
            for state in answer.states:
                assert state.used <= state.limit
            if answer.reservation and own.random() < 0.8:
                cost = amount * own.randrange(50, 101) / 100
                event = {"id": answer.reservation, "provider": "openai", "model": "gpt-4o-mini",
                         "occurredAt": NOON.isoformat(), "cost": {"amount": str(cost)}}  # fmt: skip
                assert tracking.track(acme.pk, [event], key_id=None, now=NOON).accepted == 1
                with lock:
                    admitted[0] += cost
        return count

    checks = sum(at_once(CALLERS, caller))  # type: ignore[arg-type]  # counts

    assert checks > 1_000
    with organization_scope(acme.pk):
        for each in Room.objects.owned_by(acme):
            reserved = each.reservations.aggregate(sum=Sum("amount"))["sum"] or 0
            assert each.reserved == reserved
            assert admitted[0] <= (limit if each.budget_id == budget.pk else 1500)
