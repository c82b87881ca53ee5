"""Customers, agents and runs over JSON, for members and for programs."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.urls import reverse

from accounts.permissions import Scope
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON, event
from tests.usage.spenders import stories
from tests.usage.spenders.conftest import in_zone
from tests.usage.spenders.test_customers import call
from usage.spenders import listing
from usage.spenders.ids import sealed

pytestmark = pytest.mark.django_db
OLD = timedelta(days=29)


def ask(browser, path, status=200):
    answer = browser.get(path)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_customers_have_the_columns_of_their_page(alices, send):
    send(
        call("alice", cost="3.20", latencyMs=800, ago=timedelta(days=1)),
        call("alice", cost="0.80", latencyMs=1_000),
        call("bob", cost="1"),
        call(None, cost="5"),
    )

    found = ask(alices, "/api/customers")

    assert [item["customer"] for item in found["items"]] == ["alice", "bob"]
    assert found["items"][0] == {
        "customer": "alice",
        "cost": "4.00",
        "otherCurrencies": [],
        "calls": 2,
        "errors": 0,
        "averageCost": "2.00",
        "averageLatencyMs": 900,
        "tokensIn": 20,
        "tokensOut": 0,
        "unpricedCalls": 0,
        "unpricedTokens": 0,
        "partlyPricedCalls": 0,
        "providers": ["openai"],
        "firstSeen": "2026-11-19T12:00:00Z",
        "lastSeen": "2026-11-20T12:00:00Z",
    }
    assert found["totals"]["cost"] == "5.00"
    assert found["totals"]["customers"] == 2
    assert found["totals"]["averageCostPerCustomer"] == "2.50"
    assert found["unattributed"] == {"cost": "5.00", "calls": 1, "share": 0.5}
    assert found["zone"] == "UTC"
    assert found["nextCursor"] is None


def test_a_list_is_read_page_by_page(alices, send):
    send(*(call(f"c{n:03}", cost=f"{n % 4}") for n in range(45)))
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        found = ask(alices, f"/api/customers?limit=20&sort=cost&cursor={cursor}")
        seen += [item["customer"] for item in found["items"]]
        cursor, pages = found["nextCursor"], pages + 1

    assert (pages, len(seen), len(set(seen))) == (3, 45, 45)


@pytest.mark.parametrize("sort", listing.SORTS)
@pytest.mark.parametrize("order", ["", "-"])
def test_each_page_goes_on_where_the_one_before_ended(sort, order, alices, send):
    """Averages lie between whole numbers, names are long and written in characters of four bytes."""
    names = [chr(0x20000 + n) * 256 for n in range(4)]
    send(*(call(name, latencyMs=latency) for name in names for latency in (100, 100, 100 + names.index(name))))
    seen, cursor = [], ""
    while cursor is not None and len(seen) <= len(names):
        found = ask(alices, f"/api/customers?limit=1&sort={order}{sort}&cursor={cursor}")
        seen += [item["customer"] for item in found["items"]]
        cursor = found["nextCursor"]
        assert len(cursor or "") < 3_000  # an address has room for it

    assert sorted(seen) == names


def test_days_are_those_of_the_organizations_zone(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")
    send(call("evening", ago=timedelta(hours=19)), call("night", ago=timedelta(hours=17)))

    found = ask(alices, "/api/customers?from=2026-11-19&to=2026-11-20")

    assert [item["customer"] for item in found["items"]] == ["evening"]
    assert found["zone"] == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-01", "to"),
        ("to=2026-11-01", "from"),
        ("from=2026-11-01&to=2026-11-31", "to"),
        ("from=2026-11-01T00:00:00Z&to=2026-11-02", "from"),
        ("from=2026-11-02&to=2026-11-01", "from"),
        ("from=9999-99-99&to=2026-11-01", "from"),
        ("sort=nonsense", "sort"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=nonsense", "cursor"),
        ("search=%00", "search"),
        ("colour=red", "colour"),
    ],
)
def test_what_is_wrong_is_named(query, field, alices, send):
    send(call("a"))

    assert [*ask(alices, f"/api/customers?{query}", 422)["error"]["fields"]] == [field]


def test_agents_tell_their_tools(alices, send):
    send(*stories.run(NOON))

    [planner] = ask(alices, "/api/agents")["items"]

    assert (planner["agent"], planner["calls"], planner["errors"]) == ("planner", 7, 1)
    assert planner["tools"] == ["browser", "linter", "web_search"]


def test_runs_and_one_of_them(alices, send):
    send(*stories.run(NOON), call("bob", runId="other", ago=timedelta(hours=1)))

    assert [run["run"] for run in ask(alices, "/api/runs")["items"]] == ["other", "run-2026/11"]
    assert [run["run"] for run in ask(alices, "/api/runs?filter[agent]=planner")["items"]] == ["run-2026/11"]
    page = ask(alices, "/api/runs?limit=1")
    assert [run["run"] for run in ask(alices, f"/api/runs?limit=1&cursor={page['nextCursor']}")["items"]] == [
        "run-2026/11"
    ]
    for path in ("/api/runs/run-2026/11", "/api/runs/run-2026%2F11", "/api/runs/~cnVuLTIwMjYvMTE"):
        run = ask(alices, path)
        assert (run["calls"], run["errors"], run["complete"]) == (7, 1, True)
        assert [(event["id"].removeprefix("run-2026/11-"), event["depth"]) for event in run["events"]][:3] == [
            ("plan", 0),
            ("search", 1),
            ("read", 2),
        ]
        assert run["events"][0]["tokens"] == {"input": 900, "cacheRead": 300, "output": 120, "reasoning": 40}
    assert ask(alices, "/api/runs/nothing", 404)["error"]["code"] == "not_found"
    assert [*ask(alices, "/api/runs?cursor=x", 422)["error"]["fields"]] == ["cursor"]
    assert [*ask(alices, "/api/runs?filter[tool]=x", 422)["error"]["fields"]] == ["filter[tool]"]


@pytest.mark.parametrize("name", ["a\nb", "a\n", "\na", "a\u2028b"])
def test_a_run_may_have_any_line_in_its_name(name, alices, send):
    send(call("bob", runId=name))
    [listed] = ask(alices, "/api/runs")["items"]

    assert ask(alices, f"/api/runs/{quote(name)}")["run"] == listed["run"] == name
    assert ask(alices, f"/api/runs/{sealed(name)}")["run"] == name
    assert alices.get(f"/runs/{quote(name)}/").status_code == 200
    assert alices.get(reverse("usage:run", args=[name])).status_code == 200


@pytest.mark.parametrize("empty", ["filter[customer]=", "filter[agent]=", "filter[customer]=bob&filter[agent]="])
def test_nobody_has_the_empty_name(empty, alices, send):
    send(call("bob", runId="bobs"), call(None, runId="of no customer"))

    assert ask(alices, f"/api/runs?{empty}") == {"items": [], "nextCursor": None}
    assert ask(alices, "/api/usage/stats?groupBy=model&filter[customer]=")["items"] == []


def test_runs_are_those_of_one_agent_or_customer_at_a_time(alices, send):
    send(call("bob", runId="bobs"), call("carol", runId="carols"))

    both = ask(alices, "/api/runs?filter[customer]=bob&filter[customer]=carol", 422)["error"]["fields"]
    twice = ask(alices, "/api/runs?filter[customer]=bob&filter[customer]=bob")["items"]

    assert both == {"filter[customer]": ["Give one customer, and ask for each other one by itself."]}
    assert [run["run"] for run in twice] == ["bobs"]


@pytest.mark.parametrize("path", ["/api/customers", "/api/agents", "/api/runs"])
def test_calls_with_a_price_that_leaves_units_out_are_counted(path, alices, send):
    searched = {"customerId": "c", "agent": "a", "runId": "r", "units": {"web_search": 1}}
    send(event(id="1", **searched), event(id="2", **searched), event(id="3", **searched | {"units": None}))
    send(event(id="4", **searched, cost={"amount": "1"}), event(id="5", **searched, tokens=None))

    found = ask(alices, path)

    [item] = found["items"]
    assert (item["calls"], item["partlyPricedCalls"], item["unpricedCalls"]) == (5, 2, 1)
    if path == "/api/runs":
        rates = [call["rate"] for call in ask(alices, "/api/runs/r")["events"]]
        assert sum(rate.endswith(":units unpriced") for rate in rates) == 2
    else:
        assert found["totals"]["partlyPricedCalls"] == 2


def test_a_run_without_an_amount_in_dollars_has_no_cost(alices, send):
    euros = {"amount": "2.5", "currency": "EUR"}
    send(
        event(id="a", runId="euros", cost=euros),
        event(id="b", runId="unpriced", model="nobody-knows"),
        event(id="c", runId="free", tokens=None, status="error"),
        event(id="d", runId="both", cost=euros),
        call("alice", cost="1", runId="both"),
    )

    found = {run["run"]: run for run in ask(alices, "/api/runs")["items"]}

    said = {name: (run["cost"], run["otherCurrencyCalls"], run["unpricedCalls"]) for name, run in found.items()}
    assert said == {"euros": (None, 1, 0), "unpriced": (None, 0, 1), "free": ("0.00", 0, 0), "both": ("1.00", 1, 0)}
    one = ask(alices, "/api/runs/euros")
    assert (one["cost"], one["events"][0]["cost"], one["events"][0]["currency"]) == (None, "2.50", "EUR")


def test_runs_are_asked_for_by_days_and_in_both_orders(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")
    send(*(call("c", runId=f"r{n}", ago=timedelta(hours=19 * n)) for n in range(4)), call("c", runId="old", ago=OLD))

    def found(query=""):
        return [run["run"] for run in ask(alices, f"/api/runs?{query}")["items"]]

    assert found() == ["r0", "r1", "r2", "r3", "old"]
    assert found("from=2026-11-18&to=2026-11-20") == ["r1", "r2", "r3"]
    assert found("from=2026-11-18&to=2026-11-20&sort=began") == ["r3", "r2", "r1"]
    cursor = ask(alices, "/api/runs?sort=began&limit=2")["nextCursor"]
    assert found(f"sort=began&limit=2&cursor={cursor}") == ["r2", "r1"]
    for query, field in ((f"cursor={cursor}", "cursor"), ("sort=calls", "sort"), ("from=2026-11-18", "to")):
        assert [*ask(alices, f"/api/runs?{query}", 422)["error"]["fields"]] == [field]


@pytest.mark.parametrize("path", ["/api/customers", "/api/agents", "/api/runs", "/api/runs/r"])
def test_a_program_needs_the_scope_read_and_sees_its_own_organization(
    path, acme, alice, elsewhere, mallory, client, send
):
    send(call("alice", runId="r", agent="planner"))

    def as_(organization, person, scope):
        clear = issued(organization, scope, by=person).clear
        return client.get(path, headers={"Authorization": f"Bearer {clear}"})

    assert as_(acme, alice, Scope.READ).status_code == 200
    assert as_(acme, alice, Scope.INGEST).status_code == 403
    assert "planner" not in as_(elsewhere, mallory, Scope.READ).content.decode()
    assert client.get(path).status_code == 401
