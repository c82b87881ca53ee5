"""What a budget is held against: the same figures as the dashboard's, in periods of the organization's zone."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from budgets import spending
from budgets.models import Allocation, Department
from budgets.rules.periods import Every, span_at
from tests import make
from tests.budgets.conftest import all_standings, in_zone, standing
from tests.usage.accounts_of import DAY, MINI, Account, at, billed, used
from tests.usage.measuring.conftest import NOON
from tokentra.lib.periods import period
from tokentra.lib.tenancy import organization_scope
from usage import stats
from usage.figures import Question

pytestmark = pytest.mark.django_db

CALLS = {"ledger": "measured"}


def test_a_budget_of_the_organization_is_held_against_what_the_dashboard_counts(acme, spend):
    """A bill for one day, usage for the next, calls of another provider: each counted once."""
    with organization_scope(acme.pk):
        account = Account(acme.pk)
        account.reads_usage(used(), used(day=DAY + timedelta(days=1)), now=at(DAY, 12, days=2), days=2)
        account.reads_bill(billed("3.50"), now=at(DAY, days=3))
    spend("1.25", at="2026-11-18T10:00:00Z", provider="mistral", model="small")
    spend("9.99", at="2026-11-10T10:00:00Z")  # of OpenAI's day that the bill covers
    make.budget(acme, "10")

    found = standing(acme, NOON)

    with organization_scope(acme.pk):
        dashboard = stats.totals(acme, Question(period("month", NOON)))
    assert found.spent == dashboard.cost == Decimal("5.00")
    assert (found.figures.billed, found.figures.computed, found.figures.measured) == (
        dashboard.billed, dashboard.computed, dashboard.measured,
    )  # fmt: skip
    assert found.basis == "mixed"
    assert found.share == Decimal("0.5")
    assert found.crossed == (50,)


@pytest.mark.parametrize(
    ("zone", "inside", "outside"),
    [
        ("UTC", "2026-11-01T00:00:00Z", "2026-10-31T23:59:59Z"),
        ("Asia/Kolkata", "2026-10-31T18:30:00Z", "2026-10-31T18:29:59Z"),
        ("Asia/Kathmandu", "2026-10-31T18:15:00Z", "2026-10-31T18:14:59Z"),
        ("America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T03:59:59Z"),
        ("Australia/Lord_Howe", "2026-10-31T13:00:00Z", "2026-10-31T12:59:59Z"),
        ("Pacific/Chatham", "2026-10-31T10:15:00Z", "2026-10-31T10:14:59Z"),
    ],
)
@pytest.mark.parametrize("wanted", [{}, {"scope": {"model": ["gpt-4o-mini"]}}, CALLS | {"scope": {"team": ["a"]}}])
def test_b57_a_call_belongs_to_the_period_in_which_the_zones_clocks_put_it(acme, spend, zone, inside, outside, wanted):
    in_zone(acme, zone)
    spend("1", at=inside, team="a")
    spend("2", at=outside, team="a")
    make.budget(acme, **wanted)

    now = standing(acme, NOON)
    before = standing(acme, now.span.start - timedelta(seconds=1))

    assert (now.spent, before.spent) == (1, 2)
    assert before.span.end == now.span.start


def test_a_bills_day_counts_as_the_day_of_the_same_date_wherever_the_organization_is(acme):
    with organization_scope(acme.pk):
        account = Account(acme.pk)
        account.reads_bill(
            billed("1", day=date(2026, 10, 31)), billed("2", day=date(2026, 11, 1)),
            now=datetime(2026, 11, 8, tzinfo=UTC), start=date(2026, 10, 31), days=2,
        )  # fmt: skip
    make.budget(acme)
    spent = []

    for zone in ("America/Los_Angeles", "UTC", "Pacific/Auckland"):
        in_zone(acme, zone)
        spent.append((standing(acme, NOON).spent, standing(acme, NOON - timedelta(days=30)).spent))

    assert spent == [(2, 1)] * 3


@pytest.mark.parametrize(
    ("wanted", "spent"),
    [
        ({"scope": {"provider": ["openai"]}}, "7"),
        ({"scope": {"provider": ["mistral"]}}, "16"),
        ({"scope": {"model": ["gpt-4o-mini", "small"]}}, "19"),
        ({"scope": {"model": ["small"], "provider": ["openai"]}}, "0"),
        ({"scope": {"project": ["p1"]}}, "1"),
        ({"scope": {"project": ["p1", "p2"], "model": ["gpt-4o"]}}, "4"),
        (CALLS | {"scope": {"customer": ["globex"]}}, "5"),
        (CALLS | {"scope": {"customer": ["globex"], "feature": ["chat"]}}, "1"),
        (CALLS | {"scope": {"customer": ["globex", "initech"], "model": ["openai/gpt-4o"]}}, "4"),
        (CALLS | {"scope": {"model": ["mistral/small"], "team": ["blue"]}}, "16"),
        (CALLS | {"scope": {"team": ["red"]}}, "0"),
    ],
)
def test_a_scope_takes_what_has_all_of_its_values(acme, spend, wanted, spent):
    spend("1", customerId="globex", feature="chat", project="p1")
    spend("2", customerId="initech", feature="chat")
    spend("4", customerId="globex", feature="search", project="p2", model="gpt-4o")
    spend("16", provider="mistral", model="small", team="blue")
    make.budget(acme, **wanted)

    assert standing(acme, NOON).spent == Decimal(spent)


def test_tokens_are_counted_where_the_budget_is_of_tokens(acme, spend):
    spend("1", tokens={"input": 700, "output": 300, "reasoning": 100}, customerId="globex")
    make.budget(acme, "2000", unit="tokens")
    make.budget(acme, "500", unit="tokens", **CALLS, scope={"customer": ["globex"]})

    assert [(each.spent, each.crossed) for each in all_standings(acme, NOON)] == [(1000, (50,)), (1000, (50, 80, 100))]


def test_what_has_no_price_is_named_beside_the_amount_and_counted_as_tokens(acme, send):
    send({"provider": "openai", "model": "nobody-knows", "tokens": {"input": 500}, "occurredAt": NOON.isoformat()})
    make.budget(acme)
    make.budget(acme, "1000", unit="tokens")

    dollars, tokens = all_standings(acme, NOON)

    assert (dollars.spent, dollars.unpriced_tokens) == (0, 500)
    assert (tokens.spent, tokens.unpriced_tokens) == (500, 0)


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        ({}, 2),  # the third is in the tokens
        ({"scope": {"provider": ["pinecone"]}}, 2),
        ({"scope": {"model": ["serverless"]}}, 2),
        ({"scope": {"provider": ["openai"]}}, 0),
        (CALLS | {"scope": {"customer": ["globex"]}}, 3),
        ({"unit": "tokens"}, 0),
    ],
)
def test_calls_that_told_no_tokens_and_have_no_price_are_named_beside_the_amount(acme, send, wanted, calls):
    call = {"occurredAt": NOON.isoformat(), "customerId": "globex"}
    send(
        {"provider": "pinecone", "model": "serverless", "units": {"read": 5}} | call,
        {"provider": "pinecone", "model": "serverless", "usageSource": "missing", "status": "timeout"} | call,
        {"provider": "openai", "model": "nobody-knows", "tokens": {"input": 500}} | call,
    )
    make.budget(acme, **wanted)

    assert standing(acme, NOON).unpriced_calls == calls


def test_other_currencies_are_named_and_never_added(acme):
    with organization_scope(acme.pk):
        account = Account(acme.pk)
        account.reads_bill(billed("1"), billed("5", currency="EUR"), now=at(DAY, days=3))
    make.budget(acme)

    found = standing(acme, NOON)

    assert (found.spent, found.figures.other_currencies) == (1, ("EUR",))


def test_each_value_has_the_budget_for_itself_and_some_have_a_part_of_their_own(acme, spend):
    for user, amount in (("ann", "40"), ("ben", "90"), ("cho", "90"), ("", "500")):
        spend(amount, userId=user or None)
    budget = make.budget(acme, "100", **CALLS, each="user")
    with organization_scope(acme.pk):
        Allocation.objects.create(organization=acme, budget=budget, value="cho", amount=Decimal(300))

    reached = all_standings(acme, NOON)
    everybody = all_standings(acme, NOON, all_values=True)

    assert [(each.value, each.share, each.crossed) for each in reached if each.crossed] == [
        ("ben", Decimal("0.9"), (50, 80))
    ]
    assert {each.value: each.limit for each in everybody} == {"ann": 100, "ben": 100, "cho": 300}


def test_a_department_is_the_sum_of_its_teams(acme, spend):
    for team, amount in (("red", "1"), ("blue", "2"), ("green", "4")):
        spend(amount, team=team)
    with organization_scope(acme.pk):
        department = Department.objects.create(
            organization=acme, name="Research", dimension="team", values=["red", "blue"], created_at=NOON
        )
    make.budget(acme, **CALLS, department=department)
    make.budget(acme, **CALLS, department=department, each="team", thresholds=(1,))

    assert [(each.value, each.spent) for each in all_standings(acme, NOON)] == [("", 3), ("blue", 2), ("red", 1)]


def test_the_number_of_queries_does_not_grow_with_budgets_of_the_same_shape(acme, spend):
    spend("1", customerId="c0", team="red")
    counts = []

    for wave in (1, 10):
        for place in range(wave):
            make.budget(acme, name=f"{wave} {place}")
            make.budget(acme, name=f"{wave} {place} c", **CALLS, scope={"customer": [f"c{place}"]}, every=Every.WEEK)
            make.budget(acme, name=f"{wave} {place} m", scope={"model": [MINI], "project": ["p"]}, every=Every.DAY)
        with CaptureQueriesContext(connection) as queries:
            found = all_standings(acme, NOON)
        counts.append(sum("SAVEPOINT" not in each["sql"] for each in queries))

    assert len(found) == 33
    assert counts[0] == counts[1] <= 9


@pytest.mark.parametrize(("zone", "table"), [("UTC", "usage_daydimension"), ("Europe/Paris", "usage_hourrollup")])
def test_days_of_utc_are_read_as_they_are_kept_and_others_by_the_hour(acme, zone, table):
    budget = make.budget(acme)
    ask = spending.Ask("counted", {}, span_at(NOON, ZoneInfo(zone), budget.rule))

    with organization_scope(acme.pk), CaptureQueriesContext(connection) as queries:
        Account(acme.pk).reads_usage(used(hour=22), used(hour=23), now=at(DAY, days=1))
        before = len(queries)
        [answer] = spending.spent(acme.pk, [ask], by_day=True, zone=zone)

    assert {day: figures.tokens for (_, day), figures in answer.days.items()} == (
        {DAY: 2_000_000} if zone == "UTC" else {DAY + timedelta(days=1): 1_000_000, DAY: 1_000_000}
    )
    assert [
        word for word in " ".join(each["sql"] for each in list(queries)[before:]).split() if word.startswith("usage_")
    ] == [table]
