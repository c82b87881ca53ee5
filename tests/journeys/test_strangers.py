"""Programs that know nothing of TokenTra tell what they cost, and it stands on every page, to the last digit.

One asks models through OpenAI's and Anthropic's own clients and is watched by OpenTelemetry's own instrumentations,
which send their spans by OpenTelemetry's own exporter. The other is a shell script with curl.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.people import somebody
from tests.product import KEPT, Installed, Product
from tests.usage.measuring.otlp import model_server

STRANGERS = Path(__file__).parent / "strangers"
# What the model server says that each call used, by the providers' own prices in dollars a million tokens.
CHAT = (600 * Decimal("0.15") + 400 * Decimal("0.075") + 50 * Decimal("0.60")) / 10**6  # gpt-4o-mini
THINK = (600 * 1 + 300 * Decimal("0.10") + 100 * Decimal("1.25") + 50 * 5) / 10**6  # claude-haiku-4-5
SERVED = [("northwind", "planner", "chat", 2), ("Contoso/EMEA", "planner", "search", 1)]
BY_NIGHT = "Fabrikam & Sons"
CUSTOMERS = {"northwind": THINK + 2 * CHAT, "Contoso/EMEA": THINK + CHAT, BY_NIGHT: THINK + CHAT}
AGENTS = {"planner": 2 * THINK + 3 * CHAT, "writer": THINK + CHAT}
FEATURES = {"chat": THINK + 2 * CHAT, "search": THINK + CHAT, "newsletter": THINK + CHAT}
CALLS = {"northwind": 3, "Contoso/EMEA": 2, BY_NIGHT: 2, "planner": 5, "writer": 2}
TOTAL = 3 * THINK + 4 * CHAT


@dataclass(frozen=True)
class Told:
    """A person who has let both programs run, and the name of each customer's run."""

    page: Page
    key: str
    runs: dict[str, str]


@pytest.fixture(scope="module")
def told(browser: Browser, installed: Installed) -> Iterator[Told]:
    with (
        Product(installed()) as product,
        model_server.serving() as models,
        somebody(browser, product) as page,
    ):
        key = key_of_somebody_new(page)
        runs = traced(product.url, key, models) | {BY_NIGHT: "night/7"}
        answers = by_curl(product.url, key)
        assert [(answer["accepted"], answer["duplicates"]) for answer in answers] == [(1, 0), (1, 0), (0, 1)]
        yield Told(page, key, runs)


def key_of_somebody_new(page: Page) -> str:
    page.goto("/signup/")
    page.get_by_label("Email").fill("owner@shop.example")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Continue with email").click()
    page.get_by_role("button", name="Skip all, go to the dashboard").click()
    page.get_by_role("heading", level=1, name="Dashboard").wait_for()
    page.goto("/settings/sdk/")
    page.get_by_role("link", name="Make a key").click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Read usage, costs and connections").check()
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", level=1, name="Your new key").wait_for()
    key: str = page.locator("pre", has_text=re.compile("^tt_live_")).inner_text()
    return key


def traced(url: str, key: str, models: str) -> dict[str, str]:
    """Let the watched program serve its customers; answers the trace of each."""
    return run(
        [sys.executable, str(STRANGERS / "traced.py")],
        stdin=json.dumps(SERVED),
        OPENAI_API_KEY="none",
        OPENAI_BASE_URL=f"{models}/v1",
        ANTHROPIC_API_KEY="none",
        ANTHROPIC_BASE_URL=models,
        OTEL_SERVICE_NAME="checkout",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{url}/v1/traces",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=" + f"Bearer%20{key}",
    )[0]


def by_curl(url: str, key: str) -> list[dict]:
    return run(["sh", str(STRANGERS / "told.sh")], SERVER=url, KEY=key)


def run(command: list[str], *, stdin: str = "", **env: str) -> list[dict]:
    """In a directory and an environment where nothing of ours is; answers the lines of JSON that it wrote."""
    bare = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        command, cwd="/", env=bare | env, input=stdin, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_full(amount: Decimal) -> str:
    return f"${amount.normalize():f}"


def headline(page: Page, label: str) -> str:
    """All digits of a figure on top of the page."""
    title = page.get_by_role("region", name=label, exact=True).locator(".stat-value").get_attribute("title")
    return title or ""


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def cost_in(row: Locator) -> str | None:
    return row.locator("td[data-label=Cost]").get_attribute("title")


@pytest.mark.parametrize(("path", "expected"), [("/customers/", CUSTOMERS), ("/agents/", AGENTS)])
def test_each_stands_in_the_list_with_its_cost(path: str, expected: dict[str, Decimal], told: Told):
    told.page.goto(path)

    assert headline(told.page, "Cost") == in_full(TOTAL)
    for name, cost in expected.items():
        found = row(told.page, name)
        assert (cost_in(found), found.locator("td[data-label=Calls]").inner_text()) == (in_full(cost), f"{CALLS[name]}")
    expect(told.page.get_by_text(re.compile("Every call of this period names its"))).to_be_visible()


@pytest.mark.parametrize(("path", "names"), [("/customers/", CUSTOMERS), ("/agents/", AGENTS)])
def test_each_has_a_page_with_its_cost_its_runs_and_its_calls(path: str, names: dict[str, Decimal], told: Told):
    for name, cost in names.items():
        told.page.goto(path)
        told.page.get_by_role("link", name=name, exact=True).click()
        told.page.get_by_role("heading", level=1, name=name).wait_for()

        assert headline(told.page, "Cost") == in_full(cost)
        calls = told.page.get_by_role("table", name="Recent calls").locator("tbody tr")
        shown = calls.locator("td[data-label=Cost] span").evaluate_all("all => all.map(each => each.title)")
        assert sum(Decimal(title.removesuffix(" USD")) for title in shown) == cost
        assert len(shown) == CALLS[name]
        runs = told.page.get_by_role("table", name="Newest runs").locator("tbody tr")
        costs = runs.locator("td[data-label=Cost]").evaluate_all("all => all.map(each => each.title)")
        assert sum(Decimal(title.removeprefix("$")) for title in costs) == cost


def test_each_run_stands_in_the_list_and_has_a_tree(told: Told):
    for customer, name in told.runs.items():
        told.page.goto("/runs/")
        assert cost_in(row(told.page, name)) == in_full(CUSTOMERS[customer])
        told.page.get_by_role("link", name=name, exact=True).click()
        told.page.get_by_role("heading", level=1, name=name).wait_for()

        assert headline(told.page, "Cost") == in_full(CUSTOMERS[customer])
        tree = told.page.get_by_role("table", name=re.compile("^Calls of this run")).locator("tbody tr")
        titles = tree.locator("td.num:last-child > span:first-child").evaluate_all("all => all.map(each => each.title)")
        costs = [Decimal(title.removesuffix(" USD")) for title in titles if title.endswith(" USD")]
        assert sorted(costs) == sorted([THINK, *[CHAT] * (CALLS[customer] - 1)])
        # Anthropic's client tells of its calls as well as the instrumentation around it: they count once
        is_told_twice = customer != BY_NIGHT
        assert len(titles) == CALLS[customer] + is_told_twice
        expect(tree.first).to_contain_text("in its children" if is_told_twice else "with 1 below")

        tree.filter(has_text="claude-haiku-4-5").last.get_by_role("link").click()
        panel = told.page.locator("#call")
        panel.get_by_role("cell", name="Written to cache, 5 min").wait_for()
        together = panel.locator("tfoot td").last.locator("span")
        assert Decimal((together.get_attribute("title") or "").removesuffix(" USD")) == THINK


def test_attribution_gives_all_of_it_to_somebody(told: Told):
    for dimension, expected in {"customer": CUSTOMERS, "agent": AGENTS, "feature": FEATURES}.items():
        told.page.goto(f"/attribution/measured/{dimension}/")

        assert headline(told.page, "Cost") == in_full(TOTAL)
        assert {name: cost_in(row(told.page, name)) for name in expected} == {
            name: in_full(cost) for name, cost in expected.items()
        }
    told.page.goto("/attribution/measured/project/")
    assert cost_in(row(told.page, "checkout")) == in_full(AGENTS["planner"])
    expect(told.page.get_by_text(re.compile("names no project"))).to_be_visible()


def test_the_dashboard_counts_it(told: Told):
    told.page.goto("/dashboard/")

    told.page.get_by_role("heading", name="Measured by your own code").wait_for()
    assert headline(told.page, "Measured cost") == headline(told.page, "Spend") == in_full(TOTAL)
    assert told.page.get_by_role("region", name="Unique runs").locator(".stat-value").inner_text() == "3"


def asked(told: Told, path: str) -> dict:
    """As the programs' own key asks for it."""
    answer = told.page.request.get(path, headers={"Authorization": f"Bearer {told.key}"})
    assert answer.status == 200, answer.text()
    return json.loads(answer.text())


def costs(items: list[dict], name: str) -> dict[str, Decimal]:
    return {item[name]: Decimal(item["cost"]) for item in items}


def test_the_same_is_answered_over_json(told: Told):
    for path, name, expected in (("/api/customers", "customer", CUSTOMERS), ("/api/agents", "agent", AGENTS)):
        found = asked(told, path)
        assert costs(found["items"], name) == expected
        assert (Decimal(found["totals"]["cost"]), Decimal(found["unattributed"]["cost"])) == (TOTAL, 0)
    runs = asked(told, "/api/runs")["items"]
    assert costs(runs, "run") == {name: CUSTOMERS[customer] for customer, name in told.runs.items()}
    for customer, name in told.runs.items():
        run = asked(told, f"/api/runs/{quote(name, safe='')}")
        assert (Decimal(run["cost"]), run["customer"]) == (CUSTOMERS[customer], customer)
        assert sum(Decimal(event["cost"]) for event in run["events"] if event["counted"]) == CUSTOMERS[customer]
    for name, expected in (("customer", CUSTOMERS), ("agent", AGENTS), ("feature", FEATURES)):
        found = asked(told, f"/api/usage/stats?groupBy={name}")
        assert costs(found["items"], name) == expected
        assert Decimal(found["totals"]["cost"]) == TOTAL
    assert Decimal(asked(told, "/api/usage/stats")["totals"]["cost"]) == TOTAL


def test_nothing_that_was_asked_or_answered_is_kept(told: Told):
    for name in told.runs.values():
        kept = json.dumps(asked(told, f"/api/runs/{quote(name, safe='')}"))
        assert model_server.ANSWER not in kept
        assert "Question 0" not in kept
