"""However much is counted, sums go on: they stop at a number of which a page can still add several."""

from datetime import timedelta

import pytest

from budgets.tasks import look_at_budgets
from tests import make
from tests.conftest import Browser
from tests.sdk_keys.conftest import ask, issued
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_catching_up import waits
from tests.usage.measuring.test_door import now, post
from tests.usage.measuring.test_repricing import reprice
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tests.usage.measuring.test_tags import choose, wait_over
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.measured import Event, MeasuredDay, MeasuredHour, Run
from usage.measuring import adding_up_tags
from usage.measuring.shape import MOST_COUNT
from usage.measuring.sums import MOST_SUMMED, STOPPING
from usage.models import DayDimension, DayRollup, HourRollup, PriceOverride
from usage.rows import TOKEN_CLASSES

DAY, A_DAY = NOON.date(), timedelta(days=1)
EDGE = 2**63 - 1
TABLES = (MeasuredDay, MeasuredHour, Run, HourRollup, DayDimension, DayRollup)


def largest(**said):
    names = ("cacheWrite5m", "cacheWrite30m", "cacheWrite1h", "cacheWrite12h", "audioIn", "audioOut", "imageIn")
    tokens = dict.fromkeys(("input", "cacheRead", "output", "reasoning", "imageOut", *names), MOST_COUNT)
    return event(tokens=tokens, latencyMs=MOST_COUNT, timeToFirstTokenMs=MOST_COUNT, **said)


def near_the_edge(organization):
    """As after a million of the largest events."""
    with organization_scope(organization.pk):
        for table in TABLES:
            names = [each.name for each in table._meta.concrete_fields if each.name in STOPPING]
            table.objects.filter(organization=organization).update(**dict.fromkeys(names, EDGE - 1000))


@pytest.mark.parametrize("model", ["gpt-4o-mini", "nobody-knows"])
def test_a_sum_that_is_full_stops_and_all_else_goes_on(model, acme, elsewhere, send):
    choose(acme, "region")
    wait_over(acme)
    while adding_up_tags.add_up_next(acme.pk):
        pass
    said = {"model": model, "customerId": "c", "runId": "r", "tags": {"region": "north"}}
    send(largest(id="one", **said))
    waits(acme, up_to_date=True)
    near_the_edge(acme)

    send(largest(id="two", **said), event(id="other"))
    send(largest(id="one", **said), to=elsewhere)

    assert waits(acme, up_to_date=True) == (0, 3)
    assert waits(elsewhere, up_to_date=True) == (0, 1)
    with organization_scope(acme.pk):
        [run] = Run.objects.owned_by(acme)
        [all_calls] = MeasuredDay.objects.owned_by(acme).of("all")
    assert (run.calls, run.tokens_in, run.tokens_out) == (2, MOST_SUMMED, MOST_SUMMED)
    assert (all_calls.calls, all_calls.latency_ms) == (3, MOST_SUMMED)
    assert MOST_SUMMED * 11 < EDGE


def test_a_day_of_more_than_has_room_is_compared_and_made_anew(acme, alice, send):
    send(largest(id="one", customerId="c"), largest(id="two", customerId="c"))
    waits(acme, up_to_date=True)
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).update(output=EDGE - 10**13, latency_ms=EDGE, cache_read=None)

    [wrong] = Audit(acme.pk, fix=True).run()

    assert {"usage_measuredday", "usage_hourrollup", "usage_dayrollup"} <= set(wrong.tables)
    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        [row] = MeasuredDay.objects.owned_by(acme).of("customer")
    assert (row.tokens_out, row.latency_ms, row.tokens_cached) == (MOST_SUMMED, MOST_SUMMED, None)


def moved(organization, by):
    move_to(organization, "Pacific/Auckland", by=by)
    all_steps(organization)


def repriced(organization, by):
    with organization_scope(organization.pk):
        rates = dict.fromkeys(TOKEN_CLASSES, "1")
        PriceOverride.objects.create(
            organization=organization, provider="openai", model="nobody-knows", rates=rates, since=DAY - 40 * A_DAY
        )
    assert reprice(organization)


@pytest.mark.parametrize("taken", [moved, repriced])
def test_what_is_taken_out_of_a_full_sum_leaves_what_its_events_come_to(taken, acme, alice, send):
    send(*(largest(id=f"{n}", model="nobody-knows", runId="r") for n in range(3)), event(id="of a price"))
    send(largest(id="stays", occurredAt=NOON.replace(hour=1).isoformat(), model="nobody-knows"))
    waits(acme, up_to_date=True)
    near_the_edge(acme)

    taken(acme, alice)

    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        assert sum(row.tokens_out for row in MeasuredDay.objects.owned_by(acme).of("all")) == 12 * MOST_COUNT + 45


@pytest.mark.parametrize(
    "path",
    [
        *("/usage/", "/usage/?group=model&sort=-tokens", "/customers/", "/customers/c/", "/runs/", "/budgets/"),
        *("/attribution/", "/dashboard/", "/optimization/"),
    ],
)
@pytest.mark.worker
def test_pages_show_full_sums(path, acme, alice, full):
    make.budget(acme, "1000000", unit="tokens")
    make.budget(acme, "1000000", unit="tokens", ledger="measured", scope={"customer": ["c"]})
    look_at_budgets()

    answer = Browser(alice).get(path, follow=True)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/api/usage/stats?from={DAY}&to={DAY + A_DAY}&groupBy=model&ledger=measured",
        f"/api/usage/stats?from={DAY}&to={DAY + A_DAY}&groupBy=day&metric=tokens",
        "/api/customers",
        "/api/runs",
    ],
)
def test_the_api_tells_full_sums(path, acme, alice, full):
    answer = ask(issued(acme, "read", by=alice).clear, path)

    assert answer.status_code == 200
    assert str(MOST_SUMMED) in answer.content.decode()


@pytest.fixture
def full(acme, send):
    send(largest(id="one", customerId="c", runId="r"))
    waits(acme, up_to_date=True)
    near_the_edge(acme)
    send(largest(id="two", customerId="c", runId="r"))
    waits(acme, up_to_date=True)


def test_a_call_whose_price_has_no_room_has_none_and_costs_no_other_its_place(acme, alice):
    with organization_scope(acme.pk):
        for model, rates in (("text", {"input": "999999"}), ("searches", {"unit:web_search": "999999"})):
            PriceOverride.objects.create(
                organization=acme, provider="openai", model=model, rates=rates, since=DAY - 40 * A_DAY
            )
    key = issued(acme, "ingest", by=alice).clear
    events = [
        now(id="text", model="text", tokens={"input": MOST_COUNT}, customerId="c"),
        now(id="searches", model="searches", tokens=None, units={"web_search": MOST_COUNT}),
        now(id="dear", model="text", tokens={"input": 10**6}),
        now(id="plain"),
    ]

    answer = post(key, {"events": events})

    assert (answer.status_code, answer.json()["accepted"]) == (202, 4)
    with organization_scope(acme.pk):
        amounts = dict(Event.objects.owned_by(acme).values_list("ref", "amount"))
        [row] = MeasuredDay.objects.owned_by(acme).of("customer")
    assert (amounts["searches"], amounts["dear"]) == (None, 999_999)
    assert row.unpriced_calls == (1 if amounts["text"] is None else None)
