"""Sums equal their events, whoever comes again, and what counts turns with connections."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.db.models import F, Sum
from django.utils import timezone

from tests import make
from tests.conftest import Browser
from tests.usage.measuring.conftest import HOUR, NOON, event
from tests.usage.pages.test_explorer import rows
from tokentra.lib.tenancy import organization_scope
from usage import ingest
from usage.audit import Audit
from usage.measured import SPREAD, TAG, Event, MeasuredDay, MeasuredHour, Run
from usage.measuring import appearing
from usage.measuring.dimensions import DIMENSIONS
from usage.measuring.sums import SPARSE
from usage.models import DayDimension, DayRollup, HourRollup
from usage.rows import Ledger

WORDS = {
    "customerId": ["c1", "c2", "c3", None],
    "userId": ["u1", "u2", None],
    "feature": ["chat", "search", None],
    "team": ["red", None],
    "agent": ["planner", None],
    "tool": ["browser", None],
    "environment": ["production", "staging"],
    "project": ["p1", None],
    "costCenter": ["cc", None],
    "prompt": ["greeting", None],
    "runId": [f"r{n}" for n in range(12)] + [None],
}


def story(number, count, *, days=4):
    dice = random.Random(number)
    return [
        event(
            id=f"{number}-{n}",
            occurredAt=(NOON - timedelta(hours=dice.randint(0, 24 * days))).isoformat(),
            model=dice.choice(["gpt-4o", "gpt-4o-mini", "nobody-knows"]),
            tokens={"input": dice.randint(0, 9000), "cacheRead": dice.randint(0, 90), "output": dice.randint(0, 900)},
            latencyMs=dice.choice([None, 10, 80, 900, 30_000, 10**7]),
            status=dice.choice(["ok", "ok", "error"]),
            streaming=dice.choice([None, True, False]),
            **{name: dice.choice(words) for name, words in WORDS.items()},
        )
        for n in range(count)
    ]


def column(name):
    return {"user": "user_ref"}.get(name, name)


def value_of(kept, name):
    if name == "all":
        return ""
    if name == "api_key":
        return kept.key_id and str(kept.key_id)
    return f"{kept.provider}/{kept.model}" if name == "model" else getattr(kept, column(name))


def assert_true_to_its_events(acme):
    """Every rollup row against the events themselves, added up in Python."""
    with organization_scope(acme.pk):
        events = [kept for kept in Event.objects.all() if not kept.is_parent]
        rows = list(MeasuredDay.objects.exclude(dimension__startswith=TAG))
        hours = list(MeasuredHour.objects.all())
        runs = list(Run.objects.all())
        tables = [list(model.objects.filter(ledger="measured")) for model in (HourRollup, DayDimension, DayRollup)]
    expected, spread, by_hour = Counter(), Counter(), Counter()
    money: Counter = Counter()
    for kept in events:
        for dimension in DIMENSIONS:
            value = value_of(kept, dimension.name)
            if value is None:
                continue
            pairs = [("", "")] + [(other, value_of(kept, other)) for other in dimension.crossed_with]
            for other, other_value in pairs:
                if other_value is not None:
                    place = (dimension.name, value, other, other_value, kept.zone_day)
                    expected[place] += 1
                    money[place] += kept.amount or 0
            if kept.latency_ms is not None:
                spread[dimension.name, value, kept.zone_day] += 1
            if dimension.by_hour:
                by_hour[dimension.name, value, kept.occurred_at.replace(minute=0, second=0, microsecond=0)] += 1
    calls, amounts, counted, in_hours = Counter(), Counter(), Counter(), Counter()
    for row in rows:  # writers of the same moment have rows of their own
        calls[row.dimension, row.value, row.by, row.by_value, row.day] += row.calls
        amounts[row.dimension, row.value, row.by, row.by_value, row.day] += row.amount
        if not row.by:
            counted[row.dimension, row.value, row.day] += sum(SPREAD.unpacked(row.spread))
    for row in hours:
        in_hours[row.dimension, row.value, row.hour] += row.calls
    assert (calls, amounts, in_hours) == (expected, money, by_hour)
    assert {place: count for place, count in counted.items() if count} == dict(spread)
    assert sum(run.calls for run in runs) == sum(1 for kept in events if kept.run)
    assert sum(run.amount for run in runs) == sum(kept.amount or 0 for kept in events if kept.run)
    total = sum(kept.amount or 0 for kept in events)
    for table in tables:
        by_dimension = Counter()
        for row in table:
            by_dimension[getattr(row, "dimension", "")] += row.amount
        assert set(by_dimension.values()) == {total}


@pytest.mark.parametrize("size", [1, 60, 450])
def test_every_sum_equals_its_events(size, acme, send):
    told = story(7, 450)
    for start in range(0, min(len(told), size * 12), size):
        send(*told[start : start + size])

    assert_true_to_its_events(acme)


def test_what_is_zero_of_most_sums_takes_no_room_in_them(acme, send):
    send(event(customerId="c1", feature="chat", latencyMs=80, tokens={"input": 900}))

    with organization_scope(acme.pk):
        alone, crossed = (MeasuredDay.objects.get(dimension="customer", by=by) for by in ("", "feature"))
    for row in (alone, crossed):
        assert {getattr(row, name) for name in SPARSE if name != "spread"} == {None}
    assert (sum(SPREAD.unpacked(alone.spread)), alone.first_at, alone.last_at) == (1, NOON, NOON)
    assert (crossed.spread, crossed.first_at, crossed.last_at) == (None, None, None)


def test_what_comes_again_adds_nothing(acme, send):
    told = story(3, 200)
    send(*told[:120])
    send(*told)
    send(*reversed(told))

    assert_true_to_its_events(acme)


def test_unique_runs_and_customers_are_exact_over_any_range(acme, send):
    told = story(11, 300, days=9)
    for start in range(0, 300, 25):  # in no order, late ones between earlier days
        send(*told[start : start + 25])
    with organization_scope(acme.pk):
        events = list(Event.objects.all())
        first = NOON.date() - timedelta(days=10)
        for kind in (appearing.RUN, appearing.CUSTOMER):
            for since in range(11):
                for length in range(1, 12 - since):
                    start, end = first + timedelta(days=since), first + timedelta(days=since + length)
                    there = {getattr(kept, kind) for kept in events if start <= kept.zone_day < end} - {None}
                    assert appearing.unique(acme, kind, start=start, end=end) == len(there)


@pytest.mark.django_db(transaction=True)
def test_b32_many_writers_of_the_same_events_keep_each_once(acme, send):
    told = story(5, 240)

    def write(number):
        try:
            order = random.Random(number)
            mine = told[:]
            order.shuffle(mine)
            return sum(send(*mine[start : start + 40]).accepted for start in range(0, len(mine), 40))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as writers:
        accepted = list(writers.map(write, range(4)))

    assert sum(accepted) == len(told)
    assert_true_to_its_events(acme)
    with organization_scope(acme.pk):
        there = {kept.run for kept in Event.objects.all()} - {None}
        assert appearing.unique(acme, "run", start=date(2026, 11, 1), end=date(2026, 12, 1)) == len(there)


def read_a_day(acme, connection, *, days_ago=0):
    """The provider's usage of the day of NOON, or one before it, is read: nothing was used."""
    start = NOON.replace(hour=0) - timedelta(days=days_ago)
    window = ingest.Window(
        connection.pk, connection.provider, Ledger.USAGE, "usage.completions", start, start + timedelta(days=1)
    )
    with organization_scope(acme.pk):
        ingest.record(acme.pk, [], window=window, now=NOON)


def counted(acme):
    with organization_scope(acme.pk):
        return [
            (model.objects.filter(ledger="measured", counted=True).aggregate(all=Sum("amount"))["all"] or Decimal(0))
            / (5 if model is not DayRollup else 1)
            for model in (HourRollup, DayDimension, DayRollup)
        ]


def test_measured_events_count_until_a_connection_covers_their_day(acme, send):
    send(*story(2, 80))
    everything = counted(acme)
    assert everything[0] > 0
    connection = make.connection(acme)

    read_a_day(acme, connection)
    part = counted(acme)
    send(*story(9, 40))  # what comes later knows it from the start
    late = counted(acme)
    with organization_scope(acme.pk):
        still = sum(kept.amount or 0 for kept in Event.objects.exclude(day=NOON.date()))
        ingest.forget_connection(acme.pk, connection.pk)

    assert part[0] < everything[0]
    assert late == [still] * 3
    with organization_scope(acme.pk):
        assert counted(acme) == [sum(kept.amount or 0 for kept in Event.objects.all())] * 3


def test_days_that_a_connection_no_longer_covers_count_again_beside_those_that_it_does(acme, send):
    send(*story(2, 80))
    connection = make.connection(acme)
    for days in range(3):
        read_a_day(acme, connection, days_ago=days)

    with organization_scope(acme.pk):
        ingest.forget_days(acme.pk, connection.pk, since=NOON.date() - timedelta(days=1))

    with organization_scope(acme.pk):
        uncovered = Event.objects.exclude(day=NOON.date() - timedelta(days=2))
        assert counted(acme) == [sum(kept.amount or 0 for kept in uncovered)] * 3
    assert list(Audit(acme.pk).run()) == []


def test_another_providers_connection_covers_nothing(acme, send):
    send(*story(2, 20))
    before = counted(acme)
    connection = make.connection(acme, provider="anthropic")

    read_a_day(acme, connection)

    assert counted(acme) == before


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/Los_Angeles"])
def test_c6_every_sum_can_be_made_anew_and_the_audit_finds_what_differs(zone, acme, send):
    with organization_scope(acme.pk):
        acme.timezone = zone
        acme.save(update_fields=["timezone"])
    read_a_day(acme, make.connection(acme))
    send(*story(4, 150))
    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        some = NOON.date() - timedelta(days=1)
        MeasuredDay.objects.filter(dimension="customer", day=some).update(calls=F("calls") + 1)
        DayDimension.objects.filter(ledger="measured", day=NOON.date()).delete()
        MeasuredHour.objects.filter(dimension="model").update(spread=F("spread") + 99 * 10**36)

    found = list(Audit(acme.pk, fix=True).run())

    assert {table for wrong in found for table in wrong.tables} == {
        "usage_measuredday", "usage_daydimension", "usage_measuredhour",
    }  # fmt: skip
    assert list(Audit(acme.pk).run()) == []


@pytest.mark.parametrize("is_billed", [False, True])
def test_b37_a_late_event_counts_on_its_own_day_and_says_when_it_came(is_billed, acme, alice, send):
    now = timezone.now()
    late = (now - timedelta(days=20)).replace(hour=12)
    send(
        event(id="in time", occurredAt=late.isoformat(), customerId="c1", cost={"amount": "1", "currency": "USD"}),
        now=late,
    )
    if is_billed:  # the bill of that day is there and settled
        make.spend(acme, make.connection(acme), "9.00", days_ago=20)
    before = page_of(alice, late)

    send(
        event(
            id="late", occurredAt=(late + HOUR).isoformat(), customerId="c1", cost={"amount": "2", "currency": "USD"}
        ),
        now=now,
    )

    assert_day_holds(before, "$1.00", calls="1")
    assert_day_holds(page_of(alice, late), "$3.00", calls="2")
    assert_true_to_its_events(acme)
    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        counted = DayDimension.objects.filter(ledger="measured", day=late.date(), dimension="model")
        assert set(counted.values_list("counted", flat=True)) == {not is_billed}
        calls = {kept.ref: kept for kept in Event.objects.all()}
    assert (calls["late"].day, calls["late"].received_at) == (late.date(), now)
    for ref, is_late in (("in time", False), ("late", True)):
        said = Browser(alice).get(f"/calls/{late:%Y-%m-%d}/{calls[ref].id}/").content.decode()
        assert ("Arrived late" in said) == is_late


def page_of(person, at):
    return (
        Browser(person)
        .get(f"/usage/measured/?group=day&group=customer&from={at:%Y-%m-%d}&to={at:%Y-%m-%d}")
        .content.decode()
    )


def assert_day_holds(page, cost, *, calls):
    [row] = rows(page)[1:]
    assert row[1:4] == ["c1", cost, calls]
