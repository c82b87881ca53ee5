"""GET /api/usage/stats by what only events know."""

from datetime import timedelta

import pytest

from tests.usage.spenders.conftest import in_zone
from tests.usage.spenders.test_api import ask
from tests.usage.spenders.test_customers import call
from usage.wire import CAMEL

pytestmark = pytest.mark.django_db
STATS = "/api/usage/stats?ledger=measured&"
DAY = timedelta(days=1)


@pytest.fixture
def sent(send):
    send(
        call("alice", cost="3", feature="chat", team="red", userId="u1"),
        call(
            "alice", cost="2", feature="chat", ago=DAY, model="gpt-4o", tokens={"input": 7, "cacheRead": 5, "output": 2}
        ),
        call(
            "bob", cost="1", feature="search", environment="staging", costCenter="cc", tool="t", agent="a", prompt="p"
        ),
        call(None, cost="50"),
    )


def items(browser, query, *keys):
    return [tuple(item[key] for key in keys) for item in ask(browser, STATS + query)["items"]]


@pytest.mark.parametrize(
    ("query", "keys", "found"),
    [
        ("groupBy=customer", ["customer", "cost"], [("alice", "5.00"), ("bob", "1.00")]),
        ("groupBy=feature", ["feature", "requests"], [("chat", 2), ("search", 1)]),
        ("groupBy=team", ["team", "cost"], [("red", "3.00")]),
        ("groupBy=user&zone=organization", ["user", "cost"], [("u1", "3.00")]),
        ("groupBy=agent", ["agent", "cost"], [("a", "1.00")]),
        ("groupBy=environment", ["environment", "cost"], [("staging", "1.00")]),
        ("groupBy=tool", ["tool", "cost"], [("t", "1.00")]),
        ("groupBy=prompt", ["prompt", "cost"], [("p", "1.00")]),
        ("groupBy=cost_center", ["cost_center", "cost"], [("cc", "1.00")]),
        ("groupBy=day&filter[customer]=alice", ["day", "cost"], [("2026-11-19", "2.00"), ("2026-11-20", "3.00")]),
        ("groupBy=day,customer", ["day", "customer"], [("2026-11-19", "alice"), ("2026-11-20", "alice"), ("2026-11-20", "bob")]),
        ("groupBy=month,customer", ["month", "customer"], [("2026-11-01", "alice"), ("2026-11-01", "bob")]),
        ("groupBy=model&filter[customer]=alice", ["provider", "model", "cost"],
         [("openai", "gpt-4o", "2.00"), ("openai", "gpt-4o-mini", "3.00")]),
        ("groupBy=customer&filter[model]=gpt-4o", ["customer", "cost"], [("alice", "2.00")]),
        ("groupBy=customer&filter[feature]=chat&filter[feature]=search", ["customer", "cost"], [("alice", "5.00"), ("bob", "1.00")]),
        ("filter[customer]=alice", ["cost", "requests"], [("5.00", 2)]),
        ("from=2026-11-19&to=2026-11-20&groupBy=customer", ["customer", "cost"], [("alice", "2.00")]),
        ("groupBy=customer&filter[customer]=nobody", ["customer"], []),
    ],
)  # fmt: skip
def test_each_dimension_is_answered_alone_and_as_it_is_crossed(query, keys, found, alices, sent):
    assert items(alices, query, *keys) == found


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ("filter[model]=gpt-4o", ["openai/gpt-4o"]),
        ("filter[model]=openai/gpt-4o", ["openai/gpt-4o", "openrouter/openai/gpt-4o"]),
        ("filter[model]=openrouter/openai/gpt-4o", ["openrouter/openai/gpt-4o"]),
        ("filter[model]=gpt-4o&filter[model]=x", ["openai/gpt-4o", "openrouter/x"]),
        ("filter[model]=4o", []),
        ("filter[model]=/gpt-4o", []),
    ],
)
def test_a_model_is_filtered_by_its_whole_name_alone_or_with_its_provider(query, models, alices, send):
    """A router's models have other providers' in their names."""
    router = {"provider": "openrouter"}
    send(
        call("alice", model="gpt-4o"),
        call("alice", model="openai/gpt-4o", **router),
        call("alice", model="x", **router),
    )

    asked = items(alices, f"groupBy=model&filter[customer]=alice&{query}", "provider", "model")
    by_customer = items(alices, f"groupBy=customer&{query}", "requests")

    assert ["/".join(each) for each in asked] == models
    assert by_customer == ([(len(models),)] if models else [])


def test_the_answer_has_the_keys_of_the_contract_and_its_zone(alices, sent):
    answer = ask(alices, "/api/usage/stats?filter[customer]=alice&groupBy=day")  # the ledger goes without saying

    assert answer["items"][0] == {
        "day": "2026-11-19",
        "cost": "2.00",
        "otherCurrencies": [],
        "tokens": dict.fromkeys(CAMEL.values(), 0) | {"input": 7, "cacheRead": 5, "output": 2},
        "requests": 1,
        "units": {},
    }
    assert answer["totals"]["cost"] == "5.00"
    assert answer["basis"] == {"billed": 0.0, "computed": 0.0, "measured": 1.0}
    assert answer["zone"] == "UTC"
    assert ask(alices, STATS + "filter[customer]=alice&metric=requests")["totals"] == {"requests": 2, "units": {}}
    assert ask(alices, "/api/stats?groupBy=customer")["items"][0]["customer"] == "alice"


@pytest.mark.parametrize("group", ["customer", "feature", "model", "customer,feature"])
def test_every_class_of_tokens_and_every_unit_is_told(group, alices, send):
    tokens = {name: number for number, name in enumerate(CAMEL.values(), 1)} | {"output": 10**12, "audioOut": 10**12}
    units = {"web_search": 2, "minutes": 0.5}
    for _ in range(3):
        send(call("alice", cost="1", feature="chat", tokens=tokens, units=units))
        send(call("alice", cost="1", feature="chat", tokens={"input": 1}))

    totals = ask(alices, STATS + f"groupBy={group}")["totals"]

    assert totals["tokens"] == {name: 3 * count + (3 if name == "input" else 0) for name, count in tokens.items()}
    assert totals["units"] == {"web_search": 6, "minutes": 1.5}


def test_it_is_read_page_by_page(alices, send):
    send(*(call(f"c{n:02}", ago=DAY * (n % 3)) for n in range(30)), *(call(f"c{n:02}") for n in range(30)))
    seen, cursor = [], ""
    while cursor is not None:
        answer = ask(alices, f"{STATS}groupBy=day,customer&limit=7&cursor={cursor}")
        seen += [(item["day"], item["customer"]) for item in answer["items"]]
        cursor = answer["nextCursor"]

    assert len(seen) == len(set(seen)) == 50
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("groupBy=customer,team", "groupBy"),
        ("groupBy=customer,feature,model", "groupBy"),
        ("groupBy=customer,hour", "groupBy"),
        ("groupBy=customer&filter[line_item]=x", "filter[line_item]"),
        ("groupBy=customer&ledger=billed", "ledger"),
        ("groupBy=customer&ledger=counted", "ledger"),
        ("groupBy=customer&from=2026-11-19T05:00:00Z&to=2026-11-20", "from"),
        ("groupBy=customer&from=2026-11-19&to=2026-11-20T05:00:00Z", "to"),
        ("groupBy=customer&cursor=nonsense", "cursor"),
        ("groupBy=customer&colour=red", "colour"),
        ("groupBy=customer&zone=mine", "zone"),
        ("groupBy=customer&limit=0", "limit"),
    ],
)
def test_what_is_not_kept_is_refused_with_a_sentence(query, field, alices, sent):
    error = ask(alices, f"/api/usage/stats?{query}", 422)["error"]

    assert [*error["fields"]] == [field]
    assert error["fields"][field][0].endswith(".")


def test_days_of_another_zone_are_asked_for_by_name(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")
    send(call("alice", ago=timedelta(hours=17)))  # 19 November in UTC, the 20th there

    assert "Asia/Kolkata" in ask(alices, f"{STATS}groupBy=customer", 422)["error"]["fields"]["zone"][0]
    assert items(alices, "groupBy=day,customer&zone=organization", "day", "customer") == [("2026-11-20", "alice")]


def test_another_organization_is_told_nothing(alices, mallorys, sent):
    assert ask(mallorys, STATS + "groupBy=customer")["items"] == []


@pytest.mark.parametrize(
    ("query", "leads"),
    [
        ("", "/usage/measured/"),
        ("&group=team&period=7d", "/usage/measured/?period=7d&group=team"),
        (
            "&customer=alice&period=7d&group=day&group=model",
            "/usage/measured/?period=7d&group=day&group=model&customer=alice",
        ),
        ("&tool=t&customer=", "/usage/measured/?tool=t"),
    ],
)
def test_the_usage_page_leads_to_rows_of_what_was_measured(query, leads, alices, sent):
    answer = alices.get(f"/usage/?ledger=measured{query}")

    assert (answer.status_code, answer["Location"]) == (302, leads)
    assert alices.get(leads).status_code == 200
