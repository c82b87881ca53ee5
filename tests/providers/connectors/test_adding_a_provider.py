"""One class, one form, one recorded answer: the ones of docs/add-a-provider.md keep the contract, and so do ours."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from providers.connectors import CONNECTORS
from tests.fake_provider import KEYS, FakeProvider
from tests.providers.connectors.conftest import NOW, answering, calling, key, read, recorded
from tests.providers.connectors.contract import CLAUSES, Subject

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add-a-provider.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def example() -> Any:
    """The connector exactly as the page shows it."""
    names: dict[str, Any] = {"__name__": "example"}
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), names)
    return names["Example"]()


DAY = datetime(2026, 11, 18, tzinfo=UTC)
(BILL,) = (json.loads(block) for block in blocks("json"))
SUBJECTS = {
    "the example of the docs": Subject(
        example(), key("exk-0123456789abcdef"), "bill", DAY, DAY + timedelta(days=1), {"/v1/bill": BILL}
    ),
    "openai costs": Subject(
        CONNECTORS["openai"],
        key("sk-admin-0123456789abcdef"),
        "costs",
        datetime(2026, 10, 30, tzinfo=UTC),
        datetime(2026, 10, 31, tzinfo=UTC),
        {"/v1/organization/costs": recorded("openai_costs")},
    ),
    "openai usage": Subject(
        CONNECTORS["openai"],
        key("sk-admin-0123456789abcdef"),
        "usage.completions",
        datetime(2026, 10, 30, tzinfo=UTC),
        datetime(2026, 10, 30, 1, tzinfo=UTC),
        {"/v1/organization/usage/completions": recorded("openai_usage_completions")},
    ),
    "anthropic usage": Subject(
        CONNECTORS["anthropic"],
        key("sk-ant-admin01-0123456789abcdef"),
        "usage",
        datetime(2026, 10, 31, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        {"/v1/organizations/analytics/usage": recorded("anthropic_analytics_usage")},
    ),
    "anthropic cost": Subject(
        CONNECTORS["anthropic"],
        key("sk-ant-admin01-0123456789abcdef"),
        "cost",
        datetime(2026, 10, 31, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        {"/v1/organizations/analytics/cost": recorded("anthropic_analytics_cost")},
    ),
    "anthropic cost report": Subject(
        CONNECTORS["anthropic"],
        key("sk-ant-admin01-0123456789abcdef"),
        "cost",
        datetime(2026, 10, 31, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        {
            "/v1/organizations/cost_report": recorded("anthropic_cost_report"),
            "/v1/organizations/workspaces": recorded("anthropic_workspaces"),
        },
        frozenset({"reports"}),
    ),
}


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_a_connector_keeps_the_contract(subject: Subject, clause):
    clause(subject)


def test_the_example_reads_its_recorded_answer_in_dollars():
    subject = SUBJECTS["the example of the docs"]

    (row,) = subject.read(subject.good).rows
    assert (row.amount, row.currency, row.model) == (Decimal("1.255"), "USD", "example-1")


def test_the_example_says_whose_key_it_is():
    subject = SUBJECTS["the example of the docs"]

    reply = httpx2.Response(200, json={"id": "acct_1", "name": "Acme"})
    with answering(subject.connector, lambda request: reply) as client:
        account = subject.connector.identify(client, subject.credentials, now=NOW)

    assert (account.id, account.name) == ("acct_1", "Acme")
    assert [(check.endpoint, check.ok) for check in account.checks] == [("bill", True)]


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_a_whole_sync_calls_nothing_that_the_card_does_not_list(fake: FakeProvider, connector):
    secret = KEYS[connector.key]
    with calling(connector) as client:
        connector.identify(client, key(secret), now=NOW)
        connector.names(client, key(secret))
        for capability in ("analytics", "reports"):
            for endpoint in connector.endpoints_for(frozenset({capability})):
                read(connector, client, secret, endpoint, 3)

    listed = [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(call)) for call in connector.card.calls]
    called = {f"{seen.method} {seen.path}" for seen in fake.requests}
    assert [call for call in called if not any(re.fullmatch(pattern, call) for pattern in listed)] == []
    assert [pattern for pattern in listed if not any(re.fullmatch(pattern, call) for call in called)] == []


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_b46_a_form_trims_what_was_pasted_and_never_shows_it_again(connector):
    form = connector.form({"admin_key": "\u200b sk-canary-0123456789abcdef \n"})

    assert form.is_valid()
    assert form.credentials["admin_key"].reveal() == "sk-canary-0123456789abcdef"
    assert "canary" not in str(form) + repr(form.cleaned_data)


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_an_empty_form_asks_for_the_key(connector):
    form = connector.form({"admin_key": "  "})

    assert not form.is_valid()
    assert form.errors["admin_key"] == ["Paste the key here."]


def test_e8_the_forms_promise_nothing_untrue():
    words = " ".join(
        [str(field.help_text) for each in CONNECTORS.values() for field in each.form.base_fields.values()]
        + [" ".join((*each.card.steps, each.card.note, each.card.who)) for each in CONNECTORS.values()]
    ).lower()

    assert "read only" in words
    assert "everything an admin can" in words
    assert "expiry" in words
    for untrue in ("never see", "2-click", "on your behalf", "instantly"):
        assert untrue not in words
