"""Who reads totals alone waits for no other sums, sees what was stored before, and costs no event its other sums."""

import json
import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F, Sum
from django.test.utils import CaptureQueriesContext

from accounts import organizations
from tests import make
from tests.conftest import Browser
from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.holding import held_open
from tests.usage.measuring.test_adding_up import read_a_day, story
from tests.usage.measuring.test_repricing import EVERY_ROW, own_price, reprice
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tests.usage.measuring.test_tags import choose, wait_over
from tokentra.lib import pages_first, tenancy
from tokentra.lib.tenancy import TOTALS, organization_scope
from usage.audit import Audit
from usage.measured import MeasuredDay, Run, Waiting
from usage.measuring import adding_up_tags, catching_up, rebuilding, retracting, step_sizes, sums, tracking
from usage.measuring.hashes import series_of
from usage.measuring.stepping import Left
from usage.models import DayRollup
from usage.rows import TOKEN_CLASSES
from usage.wire import CAMEL

ALL = series_of("all")
OTHERS = ("usage_measuredhour", "usage_run", "usage_appearance", "usage_event")


def read_totals(organization):
    with organization_scope(organization.pk, up_to_date=TOTALS):
        pass


def held(organization):
    """Calls by the totals, by all days, by the days of customers; and by what waits, in the totals or not."""
    with organization_scope(organization.pk, up_to_date=False):
        days = MeasuredDay.objects.owned_by(organization)
        waiting = Waiting.objects.owned_by(organization)
        found = (
            DayRollup.objects.owned_by(organization).aggregate(all=Sum("requests")),
            days.of("all").aggregate(all=Sum("calls")),
            days.of("customer").aggregate(all=Sum("calls")),
            waiting.filter(in_totals=True).aggregate(all=Sum("events")),
            waiting.filter(in_totals=False).aggregate(all=Sum("events")),
        )
        return tuple(each["all"] or 0 for each in found)


def test_totals_hold_what_was_stored_and_the_rest_of_it_waits(acme, send):
    send(event(id="one", customerId="c"), event(id="two", customerId="c", runId="r"))

    read_totals(acme)
    first = held(acme)
    send(event(id="three", customerId="c"))
    mixed = held(acme)
    read_totals(acme)

    assert (first, mixed, held(acme)) == ((2, 2, 0, 2, 0), (2, 2, 0, 2, 1), (3, 3, 0, 3, 0))


def test_whoever_reads_everything_counts_nothing_twice(acme, send):
    send(event(id="one", customerId="c"))
    read_totals(acme)
    send(event(id="two", customerId="c"))

    with organization_scope(acme.pk):
        assert held(acme) == (2, 2, 2, 0, 0)
    oracle.assert_true(acme)


def test_totals_are_looked_for_once(acme, send):
    send(event())
    read_totals(acme)

    with CaptureQueriesContext(connection) as asked:
        read_totals(acme)

    assert len([query for query in asked if "usage_waiting" in query["sql"]]) == 1
    assert not [query for query in asked if "UPDATE" in query["sql"]]


def test_who_stands_aside_adds_up_what_is_in_totals_and_leaves_the_others(acme, send):
    told = story(1, 9)
    send(*told[:2])
    send(*told[2:5])
    with organization_scope(acme.pk, up_to_date=False):
        total_newest(acme)
        left = [catching_up.add_up(acme.pk, aside=True) for _ in range(2)]
        waiting = [(each.events, each.in_totals) for each in Waiting.objects.all()]
        left += [catching_up.add_up(acme.pk), catching_up.add_up(acme.pk, aside=True)]

    assert (left, waiting) == ([Left.OTHERS, Left.OTHERS, Left.NOTHING, Left.NOTHING], [(2, False)])
    oracle.assert_true(acme)


SAID = [
    *({"tokens": {CAMEL[name]: 7}} for name in TOKEN_CLASSES),
    {"tokens": {"output": 9, "reasoning": 4}},
    {"model": "nobody-knows"},
    {"model": "nobody-knows", "tokens": {}},
    {"tokens": {}, "units": {"searches": 3}},
    {"cost": {"amount": "0.25", "currency": "EUR"}},
    {"latencyMs": 40},
    {"status": "error"},
    {"streaming": True},
]


def rows_of(organization, table):
    """Of no dimension or all of it, without what is not the same for another organization."""
    with organization_scope(organization.pk, up_to_date=False), connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(own) - 'organization_id' - 'id' FROM {table} AS own")
        rows = [json.loads(row) for (row,) in cursor]
    return sorted((row for row in rows if row.get("series", ALL) == ALL), key=str)


@pytest.mark.parametrize("table", [rollup.table for rollup in sums.TOTALS.values()])
def test_totals_hold_the_same_rows_alone_as_with_all_sums(table, acme, alice, send):
    """To the last column, null or zero; each event on a day of its own, and on one with all others."""
    told = [
        event(
            id=f"{place}-{back}", occurredAt=(NOON - timedelta(days=back)).isoformat(), customerId=f"c-{place}", **said
        )
        for place, said in enumerate(SAID, 1)
        for back in (0, place)
    ]
    other = make.organization("Other", owner=alice)
    for organization in (acme, other):
        send(*told, to=organization)

    read_totals(acme)
    catching_up.add_up_next(other.pk)

    with organization_scope(acme.pk, up_to_date=False):
        assert Waiting.objects.get().in_totals
    alone, together = rows_of(acme, table), rows_of(other, table)
    assert alone == together
    assert len(alone) > len(SAID)


def total_newest(organization):
    """Though the oldest come first."""
    older = list(Waiting.objects.order_by("-id")[1:])
    Waiting.objects.filter(id__in=[each.id for each in older]).delete()
    assert catching_up.total(organization.pk) is Left.NOTHING
    Waiting.objects.bulk_create(older)


def test_a_reader_has_one_step_whatever_pages_total_meanwhile(acme, send, monkeypatch):
    told = iter(story(1, 20))
    steps = []

    def step(organization_id):
        send(next(told))
        read_totals(acme)
        send(next(told))
        steps.append(catching_up.add_up_next(organization_id))
        return steps[-1]

    monkeypatch.setitem(tenancy._late, True, tenancy.Late(catching_up.WAITS, step))
    send(next(told))
    with organization_scope(acme.pk):
        totals, days, _, *waiting = held(acme)
        assert (totals, days, waiting) == (3, 3, [0, 0])
    assert steps == [Left.NOTHING]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", [True, TOTALS])
@pytest.mark.parametrize("work", [catching_up.total, catching_up.add_up])
def test_whoever_reads_waits_for_totals_that_are_not_committed(work, way, acme, send):
    send(event(id="one", customerId="c"))

    def read():
        with organization_scope(acme.pk, up_to_date=way):
            return held(acme)

    with held_open(acme.pk, work) as begin:
        reading = begin(read)
        assert not reading.done()

    assert reading.result() == ((1, 1, 0, 1, 0) if (work, way) == (catching_up.total, TOTALS) else (1, 1, 1, 0, 0))
    oracle.assert_true(acme)


@pytest.mark.parametrize("step", [catching_up.total, catching_up.add_up])
def test_much_is_added_up_in_steps(step, acme, send):
    send(*story(1, 6))
    with organization_scope(acme.pk, up_to_date=False):
        Waiting.objects.update(events=step_sizes.MOST)
        if step is catching_up.add_up:
            assert catching_up.total(acme.pk) is Left.NOTHING
    send(*story(2, 4, days=5))
    with organization_scope(acme.pk, up_to_date=False):
        if step is catching_up.add_up:
            assert catching_up.total(acme.pk) is Left.NOTHING
        assert step(acme.pk) is Left.SOME

    oracle.assert_totals_true(acme)
    oracle.assert_true(acme)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_totaled", [True, False])
def test_whoever_reads_totals_does_not_wait_for_who_adds_up_the_rest(is_totaled, acme, send):
    """Nor where somebody else added up meanwhile what there was of it."""
    send(*story(1, 4))
    if is_totaled:
        read_totals(acme)
    send(*story(2, 3))

    with held_open(acme.pk, lambda pk: catching_up.add_up(pk, aside=True)) as begin:
        reading = begin(lambda: read_totals(acme))
        assert reading.done()
        assert held(acme)[3:] == (7, 0)

    oracle.assert_totals_true(acme)
    oracle.assert_true(acme)


@pytest.fixture
def began(monkeypatch) -> list[str]:
    """What each step of whoever is asked next begins to do, as it does."""
    said: list[str] = []
    for name in ("total", "add_up"):
        real = getattr(catching_up, name)
        monkeypatch.setattr(
            catching_up, name, lambda *told, name=name, real=real, **how: said.append(name) or real(*told, **how)
        )
    return said


def test_the_thread_brings_totals_first_for_as_long_as_somebody_reads_them(acme, send, began):
    """Nobody who reads totals waits for a step at all sums then; where nobody does, one step does less in all."""
    told = iter(story(1, 12))

    def went(*, is_read: bool = False) -> list[str]:
        send(next(told))
        if is_read:
            read_totals(acme)
        send(next(told))
        began.clear()
        assert catching_up.add_up_aside(acme.pk) is Left.NOTHING
        return began.copy()

    assert went() == ["add_up"]
    assert went(is_read=True) == went() == ["total", "add_up"]
    cache.delete(catching_up.read_mark(acme.pk))  # as after three seconds
    assert went() == ["add_up"]
    oracle.assert_totals_true(acme)
    oracle.assert_true(acme)


def test_what_another_thread_totals_is_nobody_who_reads(acme, send, began):
    send(event(id="one"))
    catching_up.total_next(acme.pk)
    send(event(id="two"))
    began.clear()

    assert catching_up.add_up_aside(acme.pk) is Left.NOTHING
    assert began == ["add_up"]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles"])
def test_d3_days_of_totals_follow_a_changed_zone(zone, acme, alice, send):
    """Some are in the totals by the former zone, some by the new one, some wait by the former and some by the new."""
    told = iter(story(3, 80))

    def some():
        send(*(next(told) for _ in range(20)))

    some()
    read_totals(acme)
    some()
    with organization_scope(acme.pk, up_to_date=False):
        acme.timezone = zone
        organizations.changed(acme, ["timezone"], by=alice)
    tracking.forget()
    some()
    read_totals(acme)
    assert zones_of_totals(acme) == ["UTC", zone, zone]
    some()
    oracle.assert_totals_true(acme, by_day=False)
    with organization_scope(acme.pk):
        pass

    all_steps(acme)
    oracle.assert_true(acme)


def zones_of_totals(organization):
    with organization_scope(organization.pk, up_to_date=False):
        return list(Waiting.objects.filter(in_totals=True).order_by("id").values_list("zone", flat=True))


def test_d3_whoever_did_not_know_of_the_zone_stores_for_totals_as_well(acme, alice, send, monkeypatch):
    monkeypatch.setattr(tracking, "KNOWN_FOR", 600)
    send(*story(1, 20))
    move_to(acme, "Asia/Kolkata", by=alice, is_known=False)
    all_steps(acme)
    send(*story(2, 20))

    oracle.assert_totals_true(acme)
    oracle.assert_true(acme)


def test_what_is_changed_of_events_in_totals_alone_changes_everywhere(acme, alice, send):
    """A tag is chosen, the provider's own numbers come, prices change, events turn out to be told twice."""
    told = [each | {"tags": {"region": "eu"}} for each in story(4, 60)]
    send(*told[:30])
    read_totals(acme)
    choose(acme, "region")
    send(*told[30:])
    read_totals(acme)
    read_a_day(acme, make.connection(acme))
    own_price(acme, "2")
    reprice(acme, EVERY_ROW)
    send(*story(5, 10))
    read_totals(acme)
    with organization_scope(acme.pk, up_to_date=False):
        [waiting] = Waiting.objects.all()
        retracting.take_back(acme.pk, list(zip(waiting.days[:3], waiting.ids[:3], strict=True)), now=NOON)
    wait_over(acme)
    while adding_up_tags.add_up_next(acme.pk):
        pass

    oracle.assert_totals_true(acme)
    oracle.assert_true(acme)
    assert list(Audit(acme.pk).run()) == []


def test_the_audit_counts_every_wrong_row_of_a_table_that_two_rollups_fill(acme, send):
    send(event(customerId="c"))
    with organization_scope(acme.pk):
        rows = MeasuredDay.objects.update(calls=F("calls") + 1)

    [wrong] = rebuilding.compare(acme.pk, [NOON.date()])

    assert rows > 1
    assert wrong.tables == {"usage_measuredday": 2 * rows}  # each as it is, and as it should be


@pytest.mark.parametrize("seed", range(3))
def test_in_any_order_totals_and_all_sums_are_those_of_the_events(seed, acme, send):
    dice, told = random.Random(seed), iter(story(seed, 400))
    steps = [
        lambda: send(*(next(told) for _ in range(dice.randint(1, 9)))),
        lambda: oracle.assert_totals_true(acme),
        lambda: catching_up.total_next(acme.pk),
        lambda: catching_up.add_up_next(acme.pk),
    ]
    for _ in range(30):
        dice.choice(steps)()

    oracle.assert_true(acme)


PAGES = ("", "?period=24h", "?period=90d", "?stack=provider", "?provider=openai", "?customer=&model=gpt-4o")


@pytest.mark.parametrize("is_read", [True, False])
@pytest.mark.parametrize("query", PAGES)
def test_the_dashboard_reads_totals_alone(query, is_read, acme, alice, send):
    if is_read:
        read_a_day(acme, make.connection(acme), days_ago=2)
    send(event(id="one", customerId="c", runId="r", cost={"amount": "12.34", "currency": "USD"}))
    browser = Browser(alice)

    with CaptureQueriesContext(connection) as asked:
        page = browser.get(f"/dashboard/{query}").content.decode()

    read = [each["sql"] for each in asked if each["sql"].startswith(("SELECT", "(SELECT"))]
    assert not [sql for sql in read if any(table in sql for table in OTHERS)]
    assert not [sql for sql in read if "usage_measuredday" in sql and str(series_of("all")) not in sql]
    assert "Spend" in page
    with organization_scope(acme.pk, up_to_date=False):
        assert not Run.objects.exists()
        assert MeasuredDay.objects.aggregate(all=Sum("amount"))["all"] == Decimal("12.34")
        assert Waiting.objects.get().in_totals


def test_the_dashboard_of_a_customer_reads_everything(acme, alice, send):
    send(event(id="one", customerId="c", cost={"amount": "12.34", "currency": "USD"}))

    page = Browser(alice).get("/dashboard/?customer=c").content.decode()

    assert "$12.34" in page
    with organization_scope(acme.pk, up_to_date=False):
        assert not Waiting.objects.exists()


class Turns:
    """Says who had one."""

    def __init__(self):
        self.said = []

    def acquire(self, timeout):
        self.said.append("begun")
        return True

    def release(self):
        self.said.append("over")


def test_while_a_page_is_made_events_go_in_turns_and_what_a_reader_asks_for_at_once(acme, send, monkeypatch, tmp_path):
    turns = Turns()
    monkeypatch.setattr(pages_first, "_place", lambda: str(tmp_path / "pages"))
    monkeypatch.setattr(pages_first, "_turns", turns)
    send(event(id="one"))
    assert turns.said == []

    with pages_first.being_made():
        send(event(id="two"))
        assert turns.said == ["begun", "over"]
        catching_up.add_up_aside(acme.pk)
        assert turns.said == ["begun", "over"] * 2
        send(event(id="three"))
        turns.said.clear()
        with organization_scope(acme.pk):
            assert held(acme)[1] == 3
    assert turns.said == []
