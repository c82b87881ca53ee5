"""The way in for tests: recorded requests, faults and revisions from outside, and the truth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fake_provider import KEYS, AnthropicBill, FakeProvider, OpenAIUsage, moment, remove, revise

from .reading import (
    ANALYTICS_COST,
    COMPLETIONS,
    COST_REPORT,
    COSTS,
    HTTP,
    MINI,
    NOW,
    TODAY,
    TOMORROW,
    WEEK_AGO,
    YESTERDAY,
    anthropic_client,
    openai_client,
    rows,
    span,
    sparse_rows,
    week,
)


def control(fake: FakeProvider, method: str, path: str, body: Any = None) -> Any:
    return HTTP.request(method, f"{fake.url}/__fake__/{path}", json=body)


def test_requests_are_recorded_with_their_keys_masked(fake: FakeProvider) -> None:
    openai_client(fake).get(COMPLETIONS, week(group_by=["model", "batch"]))
    anthropic_client(fake).get("/v1/organizations/me")

    ours, theirs = fake.requests
    assert (ours.method, ours.path, ours.status, ours.provider) == ("GET", COMPLETIONS, 200, "openai")
    assert ours.query["group_by"] == ["model", "batch"]
    assert ours.headers["authorization"] == "Bearer sk-admin-…0001"
    assert theirs.headers["x-api-key"] == "sk-ant-ad…01AA"
    assert theirs.account == fake.world.anthropic.id
    told = control(fake, "GET", "requests")
    assert [entry["path"] for entry in told.json()] == [COMPLETIONS, "/v1/organizations/me"]
    assert not any(key in told.text for key in KEYS.values())
    control(fake, "DELETE", "requests")
    assert fake.requests == []


def test_faults_can_be_set_from_outside(fake: FakeProvider) -> None:
    assert control(fake, "POST", "faults", [{"match": {"times": 1}, "do": {"action": "html"}}]).status_code == 200
    assert openai_client(fake).get(COSTS, week()).text.startswith("<!doctype")
    assert control(fake, "GET", "faults").json()[0]["fired"] == 1
    assert control(fake, "POST", "faults", [{"do": {"action": "explode"}}]).status_code == 400
    control(fake, "DELETE", "faults")
    assert control(fake, "GET", "faults").json() == []
    assert control(fake, "GET", "weather").status_code == 404


def test_the_world_can_be_revised_from_outside(fake: FakeProvider) -> None:
    client = openai_client(fake)
    before = client.read(COSTS, {"start_time": moment(YESTERDAY), "limit": 1})

    told = control(
        fake,
        "POST",
        "revise",
        {
            "provider": "openai",
            "now": NOW + 60,
            "settings": {"live_names": False},
            "add": {"bills": [{"at": moment(YESTERDAY), "amount": "1000", "line_item": "Late line"}]},
            "remove": {"bills": {"line_item": "web search tool calls"}},
            "change": [{"list": "bills", "match": {"line_item": "Vector storage"}, "set": {"amount": "0.75"}}],
        },
    )
    after = client.read(COSTS, {"start_time": moment(YESTERDAY), "limit": 1})

    def dollars(body: Any) -> Decimal:
        return Decimal(rows([body])[0]["amount"]["value"])

    assert told.json() == {"added": 1, "removed": 1, "changed": 1}
    assert dollars(after) - dollars(before) == Decimal(1000) - Decimal("0.05") + Decimal("0.25")
    assert fake.world.clock() == NOW + 60
    assert control(fake, "POST", "revise", {"provider": "openai", "settings": {"mood": 1}}).status_code == 400
    assert control(fake, "POST", "revise", {"provider": "acme"}).status_code == 400


def test_facts_can_be_revised_while_the_server_runs(fake: FakeProvider) -> None:
    client, account = openai_client(fake), fake.world.openai
    asked = {"start_time": moment(YESTERDAY), "limit": 1}

    def requests() -> int:
        return int(rows([client.read(COMPLETIONS, asked)])[0]["num_model_requests"])

    assert requests() == 90_051
    assert revise(account.usage, {"requests": 90_000}, requests=1) == 1
    assert requests() == 52
    assert remove(account.usage, endpoint="completions", batch=True) == 1
    assert requests() == 12
    account.usage.append(OpenAIUsage(moment(YESTERDAY, 23), model=MINI, requests=100))
    assert requests() == 112
    account.usage = []
    assert rows([client.read(COMPLETIONS, asked)]) == []


def test_anthropic_facts_can_be_revised_too(fake: FakeProvider) -> None:
    client, account = anthropic_client(fake), fake.world.anthropic

    def cents(path: str) -> Decimal:
        body = client.read(path, span(YESTERDAY, TODAY))
        found = sparse_rows([body]) if path == ANALYTICS_COST else rows([body])
        return sum((Decimal(row.get("amount") or row["cost"]["amount"]) for row in found), Decimal(0))

    before = cents(ANALYTICS_COST), cents(COST_REPORT)
    account.bills.append(AnthropicBill(moment(YESTERDAY, 1), "-100", description="Credit"))

    assert (cents(ANALYTICS_COST), cents(COST_REPORT)) == (before[0] - 100, before[1] - 100)


def test_the_truth_can_be_asked_for(fake: FakeProvider) -> None:
    told = control(fake, "GET", f"truth?provider=openai&from={WEEK_AGO}&to={TOMORROW}").json()
    other = control(fake, "GET", f"truth?provider=anthropic&from={YESTERDAY}&to={TODAY}").json()

    assert told["billed"]["eur"] == "2.10"
    assert Decimal(told["billed"]["usd"]) == fake.world.openai.total_billed(WEEK_AGO, TOMORROW)
    assert sum(Decimal(amount) for amount in told["billed_by_day"].values()) == Decimal(told["billed"]["usd"])
    assert told["tokens"] == fake.world.openai.tokens(WEEK_AGO, TOMORROW)
    assert other["billed"] == {"usd": "902.1017750"}
    assert other["requests"] == 22
