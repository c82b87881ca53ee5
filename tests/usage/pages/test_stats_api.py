"""GET /api/usage/stats: the shape of its contract, every figure in it, and what it refuses."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from accounts.models import Organization
from tests.conftest import Browser
from tests.usage.measuring.conftest import event
from tests.usage.pages.accounts_read import (
    DAY,
    FULL,
    MINI,
    NEXT,
    NOW,
    TODAY,
    anthropic,
    on,
    openai,
    two_settled_days,
    whole_history,
)
from usage.forms import look
from usage.measuring import tracking
from usage.rows import Ledger, Tokens
from usage.spenders.stats import ONLY_MEASURED

pytestmark = pytest.mark.django_db
BOTH = f"from={DAY}&to={NEXT + timedelta(days=1)}"
KEYS = {"items", "totals", "basis", "unpricedTokens", "freshUntil", "nextCursor"}


def stats(browser: Browser, query: str = BOTH, status: int = 200) -> dict[str, Any]:
    answer = browser.get(f"/api/usage/stats?{query}")
    assert answer.status_code == status, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_the_answer_has_exactly_the_keys_of_the_contract(acme: Organization, alices: Browser):
    two_settled_days(acme)

    answer = stats(alices, f"{BOTH}&groupBy=model,day&limit=1&filter[project]=proj_b")

    assert answer.keys() == KEYS
    assert answer["items"] == [
        {
            "model": FULL,
            "day": "2026-11-10",
            "cost": "3.35",
            "otherCurrencies": [],
            "tokens": {
                "input": 0,
                "cacheRead": 0,
                "cacheWrite5m": 0,
                "cacheWrite30m": 0,
                "cacheWrite1h": 0,
                "cacheWrite12h": 0,
                "output": 200_000,
                "audioIn": 0,
                "audioOut": 0,
                "imageIn": 0,
                "imageOut": 0,
                "reasoning": 0,
            },
            "requests": 7,
            "units": {},
        }
    ]
    assert answer["totals"].keys() == {"cost", "otherCurrencies", "tokens", "requests", "units"}


def test_a_daily_bill_belongs_to_no_hour(acme: Organization, alices: Browser):
    """By the hour the day's bill would stand at midnight; usage at the prices of the book says which hours cost what."""
    two_settled_days(acme)

    at_midnight = stats(alices, "from=2026-11-10T00:00:00Z&to=2026-11-10T01:00:00Z")
    at_ten = stats(alices, "from=2026-11-10T10:00:00Z&to=2026-11-10T11:00:00Z")
    by_hour = stats(alices, "from=2026-11-10&to=2026-11-11&groupBy=hour")

    assert Decimal(at_midnight["totals"]["cost"]) == 0
    assert Decimal(at_ten["totals"]["cost"]) == 2
    assert at_ten["basis"] == {"billed": 0, "computed": 1, "measured": 0}
    assert [item["cost"] for item in by_hour["items"] if item["hour"].startswith("2026-11-10T00")] == []


def test_totals_are_of_the_whole_range_and_not_of_the_page(acme: Organization, alices: Browser):
    two_settled_days(acme)

    totals = stats(alices, f"{BOTH}&groupBy=model,day&limit=1")["totals"]

    assert totals["cost"] == "4.00"
    assert totals["requests"] == 107
    assert totals["tokens"]["input"] == 2_000_000


def test_without_a_range_it_is_the_last_thirty_days(acme: Organization, alices: Browser):
    two_settled_days(acme)

    assert stats(alices, "")["totals"]["cost"] == "4.00"


@pytest.mark.parametrize("path", ["/api/stats", "/api/usage/stats"])
def test_both_addresses_answer_the_same(acme: Organization, alices: Browser, path: str):
    two_settled_days(acme)

    assert alices.get(f"{path}?{BOTH}&groupBy=day").json() == stats(alices, f"{BOTH}&groupBy=day")


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("day", [("2026-11-10", "3.60"), ("2026-11-11", "0.40")]),
        ("week", [("2026-11-09", "4.00")]),
        ("month", [("2026-11-01", "4.00")]),
        ("provider", [("openai", "4.00")]),
        ("model", [("", "0.15"), (FULL, "3.35"), (MINI, "0.50")]),
        ("project", [("proj_a", "0.65"), ("proj_b", "3.35")]),
        ("api_key", [("", "0.15"), ("key_1", "0.50"), ("key_2", "3.35")]),
        ("service_tier", [("", "4.00")]),
        ("user", [("", "4.00")]),
        ("batch", [(False, "4.00")]),
    ],
)
def test_groups_by_each_dimension(acme: Organization, alices: Browser, group_by: str, expected: list[tuple[Any, str]]):
    two_settled_days(acme)

    items = stats(alices, f"{BOTH}&groupBy={group_by}")["items"]

    assert [(item[group_by], item["cost"]) for item in items] == expected


def test_hours_are_those_of_usage(acme: Organization, alices: Browser):
    two_settled_days(acme)

    items = stats(alices, f"{BOTH}&groupBy=hour,model&ledger=computed")["items"]

    assert [(item["hour"], item["model"], item["requests"]) for item in items] == [
        ("2026-11-10T09:00:00Z", MINI, 40),
        ("2026-11-10T10:00:00Z", FULL, 7),
        ("2026-11-11T23:00:00Z", MINI, 60),
    ]


@pytest.mark.parametrize(
    ("ledger", "cost", "basis"),
    [
        ("counted", "4.00", {"billed": 1.0, "computed": 0.0, "measured": 0.0}),
        ("billed", "4.00", {"billed": 1.0, "computed": 0.0, "measured": 0.0}),
        ("computed", "2.50", {"billed": 0.0, "computed": 1.0, "measured": 0.0}),
        ("measured", "0.00", {"billed": 0.0, "computed": 0.0, "measured": 0.0}),
    ],
)
def test_each_ledger_alone(acme: Organization, alices: Browser, ledger: str, cost: str, basis: dict[str, float]):
    two_settled_days(acme)

    answer = stats(alices, f"{BOTH}&ledger={ledger}")

    assert (answer["totals"]["cost"], answer["basis"]) == (cost, basis)


@pytest.mark.parametrize(
    ("filters", "cost"),
    [
        (f"filter[model]={MINI}", "0.50"),
        (f"filter[model]={MINI}&filter[model]={FULL}", "3.85"),
        ("filter[project]=proj_a", "0.65"),
        (f"filter[project]=proj_a&filter[model]={MINI}", "0.50"),
        ("filter[provider]=anthropic", "0.00"),
        ("filter[line_item]=web search tool calls", "0.15"),
        ("filter[batch]=true", "0.00"),
        ("filter[connection]=00000000-0000-0000-0000-000000000000", "0.00"),
    ],
)
def test_filters_leave_the_rest_out(acme: Organization, alices: Browser, filters: str, cost: str):
    two_settled_days(acme)

    assert stats(alices, f"{BOTH}&{filters}")["totals"]["cost"] == cost


def test_the_range_is_half_open(acme: Organization, alices: Browser):
    two_settled_days(acme)

    assert stats(alices, f"from={DAY}&to={NEXT}")["totals"]["cost"] == "3.60"


def test_instants_cut_by_the_hour(acme: Organization, alices: Browser):
    two_settled_days(acme)

    late = stats(alices, "from=2026-11-10T10:00:00Z&to=2026-11-10T11:00:00Z&ledger=computed")

    assert late["totals"]["requests"] == 7


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("from=2026-11-10T10:00:00Z&to=2026-11-10T10:30:00Z", "to", "2026-11-10T10:00:00Z or 2026-11-10T11:00:00Z"),
        ("from=2026-11-10T09:30:00Z&to=2026-11-10T11:00:00Z", "from", "2026-11-10T09:00:00Z or 2026-11-10T10:00:00Z"),
        ("from=2026-11-10&to=2026-11-10T23:59:59Z", "to", "2026-11-10T23:00:00Z or 2026-11-11T00:00:00Z"),
        ("from=2026-11-09T23:59:59.999999Z&to=2026-11-11", "from", "2026-11-09T23:00:00Z or 2026-11-10T00:00:00Z"),
        (
            "from=2026-11-10T10:00:00%2B05:45&to=2026-11-11&ledger=measured&groupBy=hour",
            "from",
            "2026-11-10T04:00:00Z or 2026-11-10T05:00:00Z",
        ),
        (
            "from=2026-11-10T10:15:00Z&to=2026-11-12&groupBy=day,model",
            "from",
            "2026-11-10T10:00:00Z or 2026-11-10T11:00:00Z",
        ),
    ],
)
def test_an_instant_within_an_hour_is_refused_with_those_beside_it(
    acme: Organization, alices: Browser, query: str, field: str, sentence: str
):
    fields = stats(alices, query, 422)["error"]["fields"]

    assert fields == {field: [f"Figures are kept by the UTC hour: give {sentence}."]}
    assert alices.get(f"/api/usage/export?{query}").json()["error"]["fields"] == fields


def test_both_ends_may_lie_within_an_hour(acme: Organization, alices: Browser):
    asked = "from=2026-11-10T10:15:00Z&to=2026-11-10T10:45:00Z"

    assert [*stats(alices, asked, 422)["error"]["fields"]] == ["from", "to"]


def test_an_hour_has_the_offset_that_it_is_written_with(acme: Organization, alices: Browser):
    two_settled_days(acme)

    found = stats(alices, "from=2026-11-10T15:45:00%2B05:45&to=2026-11-10T16:45:00%2B05:45&ledger=computed")

    assert found["totals"]["requests"] == 7


@pytest.mark.parametrize("now", ["2026-11-10T10:00:00Z", "2026-11-10T10:20:30.5Z"])
def test_links_of_our_pages_end_at_whole_hours(acme: Organization, alices: Browser, now: str):
    two_settled_days(acme)
    lens = look(QueryDict("period=24h"), datetime.fromisoformat(now))

    found = stats(alices, lens.export("hour", "model"))

    assert found["totals"]["requests"] == 47


@pytest.mark.parametrize(
    ("metric", "keys"),
    [
        ("cost", {"cost", "otherCurrencies", "units"}),
        ("tokens", {"tokens", "units"}),
        ("requests,cost", {"cost", "otherCurrencies", "requests", "units"}),
    ],
)
def test_metrics_choose_the_keys(acme: Organization, alices: Browser, metric: str, keys: set[str]):
    two_settled_days(acme)

    answer = stats(alices, f"{BOTH}&metric={metric}&groupBy=day")

    assert answer["totals"].keys() == keys
    assert answer["items"][0].keys() == keys | {"day"}


@pytest.mark.parametrize("sort", ["day,model", "model,day,project,api_key", "provider,batch,week", "connection,model"])
def test_pages_follow_one_another_without_gap_or_repetition(acme: Organization, alices: Browser, sort: str):
    two_settled_days(acme)
    whole = stats(alices, f"{BOTH}&groupBy={sort}")["items"]

    pages, cursor = [], ""
    for _ in range(len(whole)):
        answer = stats(alices, f"{BOTH}&groupBy={sort}&limit=1&cursor={cursor}")
        pages += answer["items"]
        cursor = answer["nextCursor"] or ""

    assert pages == whole
    assert cursor == ""


def test_hours_page_too(acme: Organization, alices: Browser):
    two_settled_days(acme)
    query = f"{BOTH}&groupBy=hour,model&ledger=computed"

    first = stats(alices, f"{query}&limit=2")
    second = stats(alices, f"{query}&limit=2&cursor={first['nextCursor']}")

    assert len(second["items"]) == 1


def test_units_are_counted_beside_tokens(acme: Organization, alices: Browser):
    two_settled_days(acme)

    assert stats(alices, f"{BOTH}&ledger=billed")["totals"]["units"] == {"web_search": 15}


def test_counts_of_units_have_every_digit(acme: Organization, alices: Browser):
    units = {"big": "123456789012.123456789012", "small": "0.000000000001", "whole": "3"}
    tracking.forget()
    sent = [event(id=id, units=units, customerId="alice") for id in "ab"]
    tracking.track(acme.pk, sent, key_id=None, now=NOW)
    expected = {"big": Decimal("246913578024.246913578024"), "small": Decimal("0.000000000002"), "whole": 6}

    for query in ("groupBy=provider", "groupBy=customer", "ledger=measured&zone=organization"):
        answer = json.loads(alices.get(f"/api/usage/stats?{query}").content, parse_float=Decimal)

        assert [each["units"] for each in (*answer["items"], answer["totals"])] == [expected, expected]
    exported = b"".join(alices.get("/api/usage/export?format=json&groupBy=provider"))
    document = json.loads(exported, parse_float=Decimal)
    assert document["items"][0]["units"] == document["totals"]["units"] == expected


def test_other_currencies_stand_beside_and_are_never_dollars(acme: Organization, alices: Browser):
    from tests.usage.accounts_of import billed

    openai(acme).reads(Ledger.BILLED, billed("7.5", currency="EUR"), billed("1.5"), start=DAY, days=1)

    totals = stats(alices)["totals"]

    assert (totals["cost"], totals["otherCurrencies"]) == ("1.50", [{"currency": "EUR", "amount": "7.50"}])


def test_unpriced_tokens_are_told_while_their_bill_is_not_there(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1, model="model-without-a-rate"))

    answer = stats(alices, "")

    assert answer["unpricedTokens"] == 1_000_000
    assert answer["totals"]["cost"] == "0.00"


def test_requests_are_null_where_nobody_says(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1, requests=None))

    assert stats(alices, "groupBy=model")["items"][0]["requests"] is None


def test_money_is_every_digit_that_was_sent(acme: Organization, alices: Browser):
    from tests.usage.accounts_of import billed

    openai(acme).reads(Ledger.BILLED, billed("0.000000000000000123"), start=DAY, days=1)

    assert stats(alices)["totals"]["cost"] == "0.000000000000000123"


def test_fresh_until_is_how_far_the_slowest_account_is_read(acme: Organization, alices: Browser):
    assert stats(alices, "")["freshUntil"] is None

    whole_history(openai(acme), on(1))

    assert stats(alices, "")["freshUntil"] == "2026-11-20T14:10:00Z"


def test_fresh_until_waits_for_no_account_that_ended(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1))
    gone, ended_at = anthropic(acme), NOW - timedelta(days=10)
    gone.reads(Ledger.USAGE, start=ended_at.date(), days=1, now=ended_at)
    held_back = stats(alices, "")["freshUntil"]

    gone.ends(ended_at)

    assert held_back == "2026-11-10T14:10:00Z"
    assert stats(alices, "")["freshUntil"] == "2026-11-20T14:10:00Z"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-10", "to"),
        ("to=2026-11-10", "from"),
        ("from=2026-11-10&to=2026-11-10", "to"),
        ("from=2026-11-11&to=2026-11-10", "from"),
        ("from=yesterday&to=2026-11-10", "from"),
        ("from=2026-11-10T10:00:00&to=2026-11-11", "from"),
        ("from=2026-02-30&to=2026-03-01", "from"),
        ("from=2026-02-01&to=2026-02-30", "to"),
        ("from=2026-11-10T23:00:00-05:00&to=2026-11-11T03:00:00Z", "from"),
        ("from=1026-11-10&to=2026-11-11", "from"),
        ("from=2099-12-31&to=2100-01-02", "to"),
        ("from=0001-01-01T00:00:00%2B14:00&to=2026-11-11", "from"),
        ("from=2026-11-10&to=9999-12-31T23:59:59-14:00", "to"),
        ("from=2020-11-10&to=2026-11-10", "to"),
        ("groupBy=colour", "groupBy"),
        ("groupBy=day,hour", "groupBy"),
        ("groupBy=hour,model,project", "groupBy"),
        ("groupBy=hour&from=2026-01-01&to=2026-11-01", "to"),
        ("metric=profit", "metric"),
        ("ledger=imagined", "ledger"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=²", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=WyJhIiwgWzFdXQ", "cursor"),
        ("filter[colour]=blue", "filter[colour]"),
        ("filter[connection]=mine", "filter[connection]"),
        ("filter[batch]=maybe", "filter[batch]"),
        ("filter[model]=a%00b", "filter[model]"),
        ("zone=mine", "zone"),
        ("format=csv", "format"),
        ("organization=00000000-0000-0000-0000-000000000000", "organization"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(acme: Organization, alices: Browser, query: str, field: str):
    error = stats(alices, query, 422)["error"]

    assert error["code"] == "invalid_field"
    assert field in error["message"]
    assert list(error["fields"]) == [field]
    assert error["requestId"]


def test_a_cursor_of_another_question_is_refused(acme: Organization, alices: Browser):
    two_settled_days(acme)
    cursor = stats(alices, f"{BOTH}&groupBy=day&limit=1")["nextCursor"]

    assert stats(alices, f"{BOTH}&groupBy=week&cursor={cursor}", 422)["error"]["fields"].keys() == {"cursor"}


def test_a_stranger_is_refused(db: None):
    answer = Browser().get("/api/usage/stats")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


def test_another_organization_sees_its_own_nothing(acme: Organization, mallorys: Browser):
    account = two_settled_days(acme)

    assert stats(mallorys)["totals"]["cost"] == "0.00"
    assert stats(mallorys, f"{BOTH}&filter[connection]={account.connection_id}")["items"][0]["cost"] == "0.00"


def test_b62_totals_equal_the_sum_of_their_rows_to_the_last_digit(acme: Organization, alices: Browser):
    rows = [on(1, hour=hour, tokens=Tokens(input=333, output=hour + 1)) for hour in range(24)]
    whole_history(openai(acme), *rows)

    by_hour = stats(alices, f"from={TODAY - timedelta(days=1)}&to={TODAY}&groupBy=hour")
    total = sum(Decimal(item["cost"]) for item in by_hour["items"])

    assert Decimal(by_hour["totals"]["cost"]) == total == Decimal(stats(alices, "groupBy=day")["totals"]["cost"])
    assert total.as_tuple().exponent < -6


def test_the_reference_lists_the_parameters(client: Browser):
    paths = client.get("/api/openapi.json").json()["paths"]

    named = {each["name"] for each in paths["/api/usage/stats"]["get"]["parameters"]}
    assert {"from", "to", "groupBy", "metric", "ledger", "limit", "cursor", "filter[model]"} <= named


def test_the_reference_lists_what_only_events_know(client: Browser):
    paths = client.get("/api/openapi.json").json()["paths"]
    told, of_files = (
        {each["name"]: each["description"] for each in paths[path]["get"]["parameters"]}
        for path in ("/api/usage/stats", "/api/usage/export")
    )

    assert {"zone", *(f"filter[{name}]" for name in ONLY_MEASURED)} <= told.keys()
    assert all(name in told["groupBy"] for name in (*ONLY_MEASURED, "tag:"))
    assert {"zone", "filter[customer]"}.isdisjoint(of_files)
    assert "customer" not in of_files["groupBy"]


@pytest.fixture
def measures(acme: Organization) -> Callable[..., None]:
    """What programs report of a provider: a dollar for each call, by day and hour."""
    tracking.forget()

    def measures(provider: str, *at: datetime) -> None:
        events = [
            event(id=f"{provider} {moment}", occurredAt=moment.isoformat(), provider=provider, cost={"amount": "1"})
            for moment in at
        ]
        assert tracking.track(acme.pk, events, key_id=None, now=NOW).accepted == len(events)

    return measures


def test_hours_of_what_counts_are_measured_where_no_account_covers_the_day(
    acme: Organization, alices: Browser, measures: Callable[..., None]
):
    whole_history(openai(acme), on(1, hour=9), days=2)
    morning = NOW - timedelta(days=1, hours=5)
    measures("openai", morning, morning - timedelta(days=3))  # read today and yesterday, and not before
    measures("mistral", morning)

    def costs(query: str) -> list[tuple[str, Decimal]]:
        found = stats(alices, f"from={TODAY - timedelta(days=5)}&to={TODAY}&{query}")
        assert sum(Decimal(item["cost"]) for item in found["items"]) == Decimal(found["totals"]["cost"])
        return [(item["provider"], Decimal(item["cost"])) for item in found["items"]]

    by_hour, by_day = costs("groupBy=hour,provider"), costs("groupBy=day,provider")

    assert by_hour == by_day
    assert [provider for provider, _ in by_hour] == ["openai", "mistral", "openai"]
    assert costs("groupBy=hour,provider&ledger=computed") == by_hour[2:]
    assert [name for name, _ in costs("groupBy=hour,provider&ledger=measured&filter[provider]=mistral")] == ["mistral"]
