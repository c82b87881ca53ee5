"""The lists as CSV files: the columns of their pages, whole, exact and without formulas."""

import csv
from datetime import timedelta

import pytest

from tests.answers import body_of
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON, event
from tests.usage.spenders.test_customers import call
from usage.measuring import tracking
from usage.spenders import files, runs

pytestmark = pytest.mark.django_db
EUROS = {"amount": "2.5", "currency": "EUR"}


def read(browser, path):
    """Each line by its columns, and the last one."""
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content
    *lines, last = body_of(answer).splitlines()
    return list(csv.DictReader(lines)), last


def columns(found, *names):
    return [tuple(each[name] for name in names) for each in found]


def test_customers_come_with_their_providers_and_when_they_were_first_seen(alices, send, monkeypatch):
    monkeypatch.setattr(files, "AT_ONCE", 2)
    send(
        call("a", cost="3", ago=timedelta(days=40) - timedelta(days=12)),
        call("a", provider="anthropic", model="claude-sonnet-4-5"),
        call("b", cost="2"),
        call("c", provider="=cmd()", cost="1"),
    )

    found, last = read(alices, "/customers.csv?period=7d")

    assert columns(found, "customer", "cost_usd", "providers", "first_seen") == [
        ("b", "2.00", "openai", "2026-11-20T12:00:00Z"),
        ("a", "1.00", "anthropic", "2026-10-23T12:00:00Z"),
        ("c", "1.00", "'=cmd()", "2026-11-20T12:00:00Z"),
    ]
    assert last == "# rows: 3"


def test_agents_come_with_their_runs_and_tools(alices, send, monkeypatch):
    monkeypatch.setattr(runs, "COUNTED", 2)
    send(*(call(agent="planner", runId=f"r{n}", tool=f"tool-{n}") for n in range(3)))
    send(call(agent="idle"), call(agent="once", runId="r"))

    found, _ = read(alices, "/agents.csv")

    assert columns(found, "agent", "runs", "tools") == [
        ("planner", "2+", "tool-0; tool-1; tool-2"),
        ("idle", "0", ""),
        ("once", "1", ""),
    ]


@pytest.mark.parametrize("path", ["/attribution/measured/api_key.csv", "/usage/measured.csv?group=day&group=api_key"])
def test_keys_come_with_their_names(path, acme, alices):
    named = issued(acme, "ingest", name="=Checkout")
    for key in (named.key.pk, None):
        tracking.track(acme.pk, [call("alice")], key_id=key, now=NOON)

    found, _ = read(alices, path)

    assert columns(found, "api_key", "api_key_name") == [(str(named.key.pk), "'=Checkout")]


@pytest.mark.parametrize("path", ["/customers.csv?", "/usage/measured.csv?group=customer&"])
def test_what_has_no_amount_in_dollars_has_none_in_the_file(path, alices, send):
    send(
        call("dollars"),
        call("euros", cost="2.5"),
        event(id="e", customerId="euros", cost=EUROS),
        event(id="f", customerId="only euros", cost=EUROS),
        event(id="u", customerId="unpriced", model="nobody-knows"),
        call("free", cost="0"),
    )

    found, _ = read(alices, f"{path}sort=-cost")

    assert sorted(columns(found, "customer", "cost_usd", "other_currencies", "unpriced_calls")) == [
        ("dollars", "1.00", "", "0"),
        ("euros", "2.50", "2.50 EUR", "0"),
        ("free", "0.00", "", "0"),
        ("only euros", "", "2.50 EUR", "0"),
        ("unpriced", "", "", "1"),
    ]


@pytest.mark.parametrize("path", ["/customers.csv", "/usage/measured.csv?group=customer", "/runs.csv"])
def test_calls_with_a_price_that_leaves_units_out_have_a_column(path, alices, send):
    searched = {"customerId": "c", "runId": "r", "units": {"web_search": 1}}
    send(event(id="1", **searched), event(id="2", **searched), event(id="3", **searched, cost={"amount": "1"}))

    found, _ = read(alices, path)

    assert columns(found, "calls", "partly_priced_calls", "unpriced_calls") == [("3", "2", "0")]


def test_runs_of_the_period_are_a_file(alices, send):
    send(
        call("c1", cost="0.000000000001", runId="=cmd()", agent="planner", feature="chat", ago=timedelta(minutes=2)),
        call("c1", cost="1", runId="=cmd()", status="error", latencyMs=900),
        call("c1", cost="1", runId="old", ago=timedelta(days=9)),
        call("c2", cost="1", runId="another"),
        event(id="e", customerId="c1", runId="euros", cost=EUROS),
        event(id="u", customerId="c1", runId="unpriced", model="nobody-knows", tokens={"input": 7}),
    )

    found, last = read(alices, "/runs.csv?period=7d&customer=c1&sort=began")

    assert columns(found, "run", "agent", "customer", "feature", "began", "took_ms", "calls", "errors")[0] == (
        "'=cmd()", "planner", "c1", "chat", "2026-11-20T11:58:00Z", "120900", "2", "1",
    )  # fmt: skip
    assert sorted(columns(found, "run", "cost_usd", "calls_in_other_currencies", "unpriced_calls", "took_ms")) == [
        ("'=cmd()", "1.000000000001", "0", "0", "120900"),
        ("euros", "", "1", "0", ""),
        ("unpriced", "", "0", "1", ""),
    ]
    assert last == "# rows: 3"
    assert alices.get("/runs.csv?from=2026-11-20&to=2026-11-01").status_code == 422


def test_another_organization_has_no_runs_in_its_file(mallorys, send):
    send(call("secret", runId="secret-run"))

    assert read(mallorys, "/runs.csv") == ([], "# rows: 0")
