"""Work in steps that is broken off anywhere, taken up by several, or met by other work comes to what the events say."""

import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F

from tests import make
from tests.dying import child_that_does
from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.killing import killed_everywhere
from tests.usage.measuring.test_adding_up import WORDS, read_a_day
from tests.usage.measuring.test_repricing import EVERY_ROW, NOBODY_KNOWS, own_price, reprice
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tests.usage.measuring.test_tags import choose, wait_over
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.measured import Event, MeasuredDay, MeasuredHour, Run
from usage.measuring import adding_up_tags, catching_up, keeping, repricing, rezoning, tracking
from usage.zone_changes import ZoneChange

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]


def varied(number: int, *, days: int = 3) -> Iterator[dict[str, Any]]:
    """Calls of all kinds: priced, reported, in another currency, with units and tags, in no order."""
    dice = random.Random(number)
    for count in range(10_000):
        said = event(
            id=f"{number}-{count}",
            occurredAt=(NOON - timedelta(minutes=dice.randint(0, 24 * 60 * days))).isoformat(),
            model=dice.choice(["gpt-4o", "gpt-4o-mini", NOBODY_KNOWS]),
            tokens={"input": dice.randint(0, 9000), "cacheRead": dice.randint(0, 90), "output": dice.randint(0, 900)},
            latencyMs=dice.choice([None, 10, 80, 900, 30_000, 10**7]),
            status=dice.choice(["ok", "ok", "error"]),
            tags={name: dice.choice("abc") for name in ("region", "tier") if dice.random() < 0.7},
            **{name: dice.choice(words) for name, words in WORDS.items()},
        )
        if dice.random() < 0.3:
            cost = Decimal(dice.randint(1, 10**9)) / 10**9
            said["cost"] = {"amount": f"{cost:f}", "currency": dice.choice(["USD", "EUR"])}
        if dice.random() < 0.4:
            said["units"] = {"web_search": dice.randint(0, 3), "image": dice.randint(0, 1)}
        yield said


def some(told: Iterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [next(told) for _ in range(count)]


def to_the_end(step: Callable[[], bool]) -> Callable[[], None]:
    def work() -> None:
        while step():
            pass

    return work


@pytest.fixture
def told() -> Iterator[dict[str, Any]]:
    return varied(1, days=1)


@pytest.fixture
def small(monkeypatch):
    """Steps of few events, so that there are many."""
    monkeypatch.setattr(rezoning, "MOST", 15)
    monkeypatch.setattr(repricing, "MOST", 15)


WORKS = {
    "add up": lambda acme: to_the_end(lambda: catching_up.add_up_next(acme.pk)),
    "total": lambda acme: to_the_end(lambda: catching_up.total_next(acme.pk) or catching_up.add_up_next(acme.pk)),
    "move days": lambda acme: to_the_end(lambda: rezoning.move_next(acme.pk)),
    "add up a tag": lambda acme: to_the_end(lambda: adding_up_tags.add_up_next(acme.pk)),
    "price anew": lambda acme: lambda: reprice(acme, EVERY_ROW),
    "make anew": lambda acme: lambda: list(Audit(acme.pk, fix=True).run()),
}


@pytest.fixture
def due(acme, alice, send, told, small):
    """Something of each work to do."""

    def due(name: str) -> None:
        read_a_day(acme, make.connection(acme))
        choose(acme, "region")
        send(*some(told, 25))
        if name in ("add up", "total"):
            return
        if name == "add up a tag":
            choose(acme, "tier")
        wait_over(acme)
        if name == "move days":
            WORKS["add up a tag"](acme)()
            move_to(acme, "Asia/Kolkata", by=alice)
        if name == "price anew":
            own_price(acme, "2")
            tracking.forget()
        if name == "make anew":
            WORKS["add up a tag"](acme)()
            with organization_scope(acme.pk):
                MeasuredDay.objects.update(calls=F("calls") + 1)
                MeasuredHour.objects.update(amount=F("amount") + 1)

    return due


@pytest.mark.parametrize("name", WORKS)
def test_s3_3_work_that_is_killed_at_any_statement_loses_and_doubles_nothing(name, due, acme, send, told):
    due(name)
    is_true_on_the_way = name in ("price anew", "add up a tag")

    def look() -> None:
        send(next(told))
        if is_true_on_the_way:
            oracle.assert_true(acme, tags=name != "add up a tag")

    killed = killed_everywhere(WORKS[name](acme), look)

    assert killed > 4
    WORKS["add up a tag"](acme)()
    oracle.assert_true(acme)
    assert list(Audit(acme.pk).run()) == []


@pytest.mark.parametrize("name", WORKS)
def test_c15_two_who_take_the_same_work_up_at_once_do_it_once(name, due, acme, send, told):
    due(name)

    both = [child_that_does(WORKS[name](acme)) for _ in range(2)]
    for _ in range(5):
        send(*some(told, 2))
    ended = [os.waitpid(each, 0)[1] for each in both]

    assert ended == [0, 0]
    WORKS[name](acme)()
    WORKS["add up a tag"](acme)()
    oracle.assert_true(acme)


def test_c13_forgetting_that_is_killed_at_any_statement_keeps_the_sums(acme, send, told):
    send(*some(told, 40))
    before = sums(acme)
    later = NOON.date() + timedelta(days=200)

    killed_everywhere(to_the_end(lambda: keeping.forget_a_day(acme.pk, later)), lambda: None)

    with organization_scope(acme.pk):
        assert not Event.objects.exists()
    assert sums(acme) == before


def sums(organization):
    with organization_scope(organization.pk):
        return [list(table.objects.order_by("pk").values()) for table in (MeasuredDay, MeasuredHour, Run)]


@pytest.mark.parametrize("seed", range(4))
def test_work_of_every_kind_at_once_comes_to_what_the_events_say(seed, acme, alice, send, small):
    """One step of this, one of that, in any order, while events come and people change their minds."""
    dice, told = random.Random(seed), varied(seed + 2)
    connection = make.connection(acme)
    send(*some(told, 40))
    own_price(acme, "2")
    pricing = iter(())

    def price():
        nonlocal pricing
        if next(pricing, None) is None:
            pricing = repricing.reprice(acme.pk, EVERY_ROW, dry_run=False)

    steps = [
        lambda: send(*some(told, dice.randint(1, 4))),
        lambda: move_to(acme, dice.choice(["Asia/Kolkata", "America/Los_Angeles", "UTC"]), by=alice),
        lambda: rezoning.move_next(acme.pk),
        lambda: rezoning.move_next(acme.pk),
        lambda: (choose(acme, dice.choice(["region", "tier"])), wait_over(acme)),
        lambda: adding_up_tags.add_up_next(acme.pk),
        lambda: adding_up_tags.add_up_next(acme.pk),
        price,
        lambda: list(Audit(acme.pk, fix=True).run(sample=1)),
        lambda: read_a_day(acme, connection, days_ago=dice.randint(0, 3)),
        lambda: catching_up.total_next(acme.pk),
        lambda: catching_up.total_next(acme.pk),
        lambda: catching_up.add_up_next(acme.pk),
    ]
    for _ in range(60):
        dice.choice(steps)()
    all_steps(acme)
    WORKS["add up a tag"](acme)()

    oracle.assert_true(acme)
    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        assert not ZoneChange.objects.exists()
