"""What the Python SDK reports through the real door is what the model server said, by whom and for what it was asked."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openai
import pytest
import tokentra_sdk
from tokentra_sdk import TokenTra, agent, attributes, run, set_customer_id, tool

from tests.conftest import Browser
from tests.usage.measuring.otlp.conftest import key, models
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event

__all__ = ["key", "models"]
QUESTION = [{"role": "user", "content": "The secret question"}]
# gpt-4o-mini: 600 x 0.15 + 400 x 0.075 + 50 x 0.60 dollars a million
COST = Decimal("0.00015")


@pytest.fixture
def sdk(live_server, key, tmp_path):
    made = TokenTra(key, live_server.url, every=0.05, spool_directory=tmp_path, environment="staging")
    yield made
    made.close(1)


@pytest.fixture
def client(sdk, models):
    return sdk.wrap(openai.OpenAI(api_key="none", base_url=f"{models}/v1", max_retries=0))


def ask(client, times=1, **more):
    for _ in range(times):
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, **more)
        if more.get("stream"):
            list(answer)


@pytest.fixture
def costs(alice):
    """What is shown, by one dimension."""

    def costs(dimension):
        items = Browser(alice).get(f"/api/usage/stats?ledger=measured&groupBy={dimension}").json()["items"]
        return {item[dimension]: (Decimal(item["cost"]), item["requests"]) for item in items}

    return costs


def test_cost_is_right_by_customer_feature_agent_and_run(client, sdk, acme, alice, costs):
    def of_customer(number):
        set_customer_id(f"customer-{number}")
        with run(f"run-{number}"), attributes(feature="search" if number % 2 else "chat", team="core"):
            ask(client, number)
            with agent("planner"):
                ask(client, stream=True)
                with tool("browser"):
                    ask(client)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(of_customer, range(1, 5)))
    assert sdk.flush(20)

    assert sdk.stats()["lost"] == {}
    assert costs("customer") == {f"customer-{n}": ((n + 2) * COST, n + 2) for n in range(1, 5)}
    assert costs("feature") == {"search": (8 * COST, 8), "chat": (10 * COST, 10)}
    assert costs("agent") == {"planner": (8 * COST, 8)}
    assert costs("tool") == {"browser": (4 * COST, 4)}
    assert costs("team") == {"core": (18 * COST, 18)}
    assert costs("environment") == {"staging": (18 * COST, 18)}
    runs = Browser(alice).get("/api/runs").json()["items"]
    assert {each["run"]: Decimal(each["cost"]) for each in runs} == {f"run-{n}": (n + 2) * COST for n in range(1, 5)}


def test_events_are_kept_as_the_calls_were(client, sdk, acme):
    with run(), agent("planner"):
        ask(client, stream=True)
        with tool("browser"):
            ask(client)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="broken", messages=QUESTION)
    assert sdk.flush(20)

    with organization_scope(acme.pk):
        asked, used, failed = Event.objects.order_by("id")
    assert used.parent == str(asked.id)
    assert (asked.is_streamed, asked.basis, asked.amount, asked.input, asked.cache_read) == (
        True,
        "computed",
        COST,
        600,
        400,
    )
    assert (failed.status, failed.error_code, failed.amount) == ("error", "BadRequestError", 0)
    assert "secret" not in repr([asked.__dict__, used.__dict__, failed.__dict__])


def test_the_same_again_changes_nothing(client, sdk, acme, costs):
    ask(client)
    assert sdk.flush(20)
    with organization_scope(acme.pk):
        [kept] = Event.objects.all()
    taken = tokentra_sdk.posting.post(sdk.config, [tokentra_sdk.sender.encode({"id": str(kept.id), "occurredAt": kept.occurred_at.isoformat(), "provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 1}}).encode()], timeout=10)  # fmt: skip

    assert (taken.accepted, [problem["status"] for problem in taken.problems]) == (0, ["conflict"])
    assert costs("model") == {"gpt-4o-mini": (COST, 1)}
