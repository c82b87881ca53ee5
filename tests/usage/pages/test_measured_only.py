"""An organization that connected nothing and sends events sees its spend all the same."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
import time_machine

from tests import make
from tests.conftest import Browser
from tests.usage.measuring.conftest import event
from tests.usage.pages.accounts_read import NOW
from tests.usage.spenders.test_customers import stats
from tokentra.lib.money import DASH
from tokentra.lib.periods import period
from tokentra.lib.tenancy import organization_scope
from usage import dashboard, ingest, own_prices, without_price
from usage import stats as stats_of
from usage.forms import Lens
from usage.measuring import tracking


@pytest.fixture
def reported(acme):
    tracking.forget()
    now = datetime.now(UTC)
    events = [
        event(occurredAt=(now - timedelta(hours=hours)).isoformat(), tokens={"input": 10**6}, customerId="c-1")
        for hours in (1, 30, 60)
    ]
    assert tracking.track(acme.pk, events, key_id=None, now=now).accepted == 3


@pytest.mark.parametrize("path", ["/dashboard/", "/usage/", "/dashboard/summary/", "/dashboard/?period=today"])
def test_the_pages_of_spend_show_what_was_measured(path, alice, reported):
    page = Browser(alice).get(path).content.decode()

    assert "Connect a provider</h" not in page
    assert "Nothing is connected" not in page
    assert "gpt-4o-mini" in page


def test_the_dashboard_counts_it_and_says_how_far_it_reaches(alice, acme, reported):
    page = Browser(alice).get("/dashboard/").content.decode()
    now = datetime.now(UTC)

    assert "events of your own code to" in page
    with organization_scope(acme.pk):
        board = dashboard.Board(acme, Lens(period("30d", now)), now)
        assert str(board.total.cost.normalize()) == "0.45"
        assert "your own code" in board.story
        assert not board.is_over
        assert not board.is_reading


def test_a_stranger_to_it_sees_nothing_of_it(mallory, elsewhere, reported):
    page = Browser(mallory).get("/dashboard/").content.decode()

    assert "gpt-4o-mini" not in page


def test_with_a_connection_its_freshness_is_said_as_before(alice, acme, reported):
    make.spend(acme, make.connection(acme), "12.50")

    assert "events of your own code to" not in Browser(alice).get("/dashboard/").content.decode()


@pytest.mark.parametrize(
    "said", [{"model": "nobody-knows"}, {"cost": {"amount": "2.5", "currency": "EUR"}}], ids=["unpriced", "euros"]
)
@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/summary/"])
def test_where_nothing_has_a_price_in_dollars_the_spend_is_not_zero(path, said, acme, alice):
    tracking.forget()
    now = datetime.now(UTC)
    assert tracking.track(acme.pk, [event(occurredAt=now.isoformat()) | said], key_id=None, now=now).accepted == 1

    page = Browser(alice).get(path).content.decode()

    assert stats(page)["Spend" if path == "/dashboard/" else "This month so far"] == DASH
    assert "Nothing was spent" not in page
    assert "Nothing with a price in dollars in this period." in page


@pytest.mark.parametrize("path", ["/dashboard/", "/dashboard/?period=24h", "/dashboard/summary/"])
def test_calls_whose_price_leaves_units_out_are_told_with_the_units(path, acme, alice):
    tracking.forget()
    now = datetime.now(UTC)
    with organization_scope(acme.pk):
        own_prices.enter(acme, "openai", "", rates={"unit:file_search": Decimal(1)}, since=date(2026, 1, 1))
    said = event(occurredAt=now.isoformat(), units={"web_search": 2, "file_search": 1})
    events = [said | {"id": "1"}, said | {"id": "2"}, said | {"id": "3", "cost": {"amount": "1"}}]
    tracking.track(acme.pk, [*events, said | {"id": "4", "units": {"file_search": 1}}], key_id=None, now=now)

    page = Browser(alice).get(path).content.decode()

    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert re.search(r"2 calls (of gpt-4o-mini|this month) used web_search without a price: the spend", words)
    assert "leaves such units out" in words
    links = [unescape(each) for each in re.findall(r'href="(/usage/\?[^"]*)"', page)]
    [link] = {each for each in links if "model=gpt-4o-mini" in each and "group=model" in each}
    assert "in part: 2 calls" in Browser(alice).get(link).content.decode()


UNITS_ALONE = {"provider": "pinecone", "model": "serverless", "tokens": None, "units": {"read": 5}}
UNTOLD = {"model": "gpt-4o", "tokens": None, "usageSource": "missing", "status": "timeout"}


@pytest.mark.parametrize(
    "path", ["/dashboard/", "/dashboard/?period=24h", "/dashboard/summary/", "/usage/?group=model"]
)
@pytest.mark.parametrize("said", [UNITS_ALONE, UNTOLD], ids=["units alone", "usage untold"])
def test_calls_without_tokens_and_price_are_no_spend_of_nothing(path, said, acme, alice):
    tracking.forget()
    now = datetime.now(UTC)
    events = [event(id=id, occurredAt=now.isoformat(), **said) for id in "ab"]
    tracking.track(acme.pk, events, key_id=None, now=now)

    page = Browser(alice).get(path).content.decode()

    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "$0.00" not in words
    if path.startswith("/usage/"):
        assert "unpriced: 2 calls" in words
        return
    assert f"2 calls of {said['model']} told no tokens" in words or "2 calls this month told no tokens" in words
    if "summary" not in path:
        assert ("Set a price of your own" in words) == ("units" in said)  # none helps where nobody knows what was used
    links = [unescape(each) for each in re.findall(r'href="(/usage/\?[^"]*)"', page)]
    [link] = {each for each in links if f"model={said['model']}" in each and "sort=-requests" in each}
    assert "unpriced: 2 calls" in Browser(alice).get(link).content.decode()


def focus(browser, column):
    """What a file of FOCUS has there of each model."""
    file = b"".join(browser.get("/api/usage/export?format=focus").streaming_content).decode()
    return {row["SkuId"]: row[column] for row in csv.DictReader(io.StringIO(file.partition("# rows")[0]))}


def test_a_statement_and_a_file_tell_calls_without_tokens_and_price(acme, alice):
    tracking.forget()
    now = datetime.now(UTC)
    said = [
        event(occurredAt=now.isoformat()),
        event(id="paid", occurredAt=now.isoformat(), cost={"amount": "0.25", "currency": "EUR"}),
        *(event(id=id, occurredAt=now.isoformat(), **UNITS_ALONE) for id in "ab"),
    ]
    tracking.track(acme.pk, said, key_id=None, now=now)
    browser = Browser(alice)
    browser.post("/onboarding/features/cost_attribution/")  # it opens by itself later
    browser.post("/attribution/rules/", {"dimension": "model", "value": "serverless", "cost_center": "Vectors"})

    words = " ".join(re.sub(r"<[^>]+>", " ", browser.get("/attribution/").content.decode()).split())
    file = b"".join(browser.get("/api/usage/export?format=csv&groupBy=model").streaming_content).decode()

    statement = b"".join(browser.get("/attribution/statement/?period=month").streaming_content).decode()

    assert f"Vectors {DASH}" in words
    assert "2 calls told no tokens and have no price, so the statement leaves them out." in words
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(file.partition("# rows")[0]))}
    assert {model: row["tokenless_calls"] for model, row in rows.items()} == {"gpt-4o-mini": "0", "serverless": "2"}
    told = {
        row["cost_center"]: (row["other_currencies"], row["tokenless_calls"])
        for row in csv.DictReader(io.StringIO(statement))
    }
    assert told == {"Vectors": ("", "2"), "Unallocated": ("0.25 EUR", "0"), "Total": ("0.25 EUR", "2")}
    assert focus(browser, "x_TokenlessCalls") == {"gpt-4o-mini": "0", "serverless": "2"}


def test_calls_without_a_price_are_told_once(acme, alice):
    """With tokens by those, without by their number."""
    tracking.forget()
    now = datetime.now(UTC)
    said = [event(**UNITS_ALONE), event(model="unknown", units={"read": 1}), event(), event(tokens={})]
    tracking.track(acme.pk, [each | {"occurredAt": now.isoformat()} for each in said], key_id=None, now=now)

    with organization_scope(acme.pk):
        found = stats_of.totals(acme, Lens(period("30d", now)).question())

    assert (found.tokenless, found.unpriced_tokens, found.partly_priced) == (1, 1045, 0)


def test_of_units_that_have_a_price_by_now_all_are_named(acme, alice):
    tracking.forget()
    now = datetime.now(UTC)
    said = event(occurredAt=now.isoformat(), units={"web_search": 2})
    tracking.track(acme.pk, [said, said | {"model": "gpt-4o"}], key_id=None, now=now)
    with organization_scope(acme.pk):
        own_prices.enter(acme, "openai", "", rates={"unit:web_search": Decimal(1)}, since=date(2026, 1, 1))
        groups = [*stats_of.groups(acme, Lens(period("30d", now)).question("provider", "model"))]
        found = without_price.units_of(acme, groups, now)

    assert found == [
        without_price.UnitsOf("openai", "gpt-4o", 1, ["web_search"]),
        without_price.UnitsOf("openai", "gpt-4o-mini", 1, ["web_search"]),
    ]


def test_an_export_has_a_column_of_them(acme, alice):
    tracking.forget()
    now = datetime.now(UTC)
    said = event(occurredAt=now.isoformat(), units={"web_search": 2})
    tracking.track(acme.pk, [said, event(occurredAt=now.isoformat())], key_id=None, now=now)

    browser = Browser(alice)
    lines = b"".join(browser.get("/api/usage/export?format=csv&groupBy=model").streaming_content).decode()

    [row] = csv.DictReader(io.StringIO(lines.partition("# rows")[0]))
    assert (row["requests"], row["partly_priced_calls"]) == ("2", "1")
    assert focus(browser, "x_PartlyPricedCalls") == {"gpt-4o-mini": "1"}


def test_its_hours_are_those_of_its_events(alice, acme, reported):
    page = Browser(alice).get("/dashboard/?period=24h").content.decode()

    assert (stats(page)["Spend"], stats(page)["Tokens"], stats(page)["Requests"]) == ("$0.15", "1.00M", "1")
    assert "Nothing was spent" not in page
    assert "/usage/?period=24h" in page
    assert "gpt-4o-mini" in Browser(alice).get("/usage/?period=24h").content.decode()
    today = Browser(alice).get("/dashboard/?period=today").content.decode()
    assert "Nothing was spent" not in today or stats(today)["Spend"] == "$0.00"  # an hour ago may be yesterday
    assert stats(Browser(alice).get("/dashboard/?period=24h&provider=anthropic").content.decode())["Spend"] == "$0.00"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dashboard/?period=7d", "the 6 days before, without today"),
        ("/dashboard/?period=24h", "the same whole hours a day earlier"),
        ("/dashboard/?period=today", "the same whole hours a day earlier"),
        ("/dashboard/summary/", "1 Oct to 19 Oct, without today"),
        ("/customers/?period=7d", "the 6 days before, without today"),
        ("/customers/?period=24h", "the same whole hours a day earlier"),
    ],
)
def test_what_was_measured_is_compared_with_what_was_measured_before(path, words, acme, alice, settings):
    settings.OLDEST_EVENT = timedelta(days=70)
    with time_machine.travel(NOW, tick=False):
        now = NOW - timedelta(minutes=10)
        ago = [timedelta(days=days, hours=hours) for days in range(61) for hours in (1, 3)]
        events = [event(id=f"{each}", occurredAt=(now - each).isoformat(), customerId="c-1") for each in ago]
        tracking.forget()
        assert tracking.track(acme.pk, events, key_id=None, now=now).accepted == len(ago)

        page = Browser(alice).get(path).content.decode()

    tiles = re.findall(r'<p class="stat-change">(.*?)</p>', page, re.S)
    assert sum(f"same as {words}" in tile for tile in tiles) == (
        1 if "summary" in path else 2 if "customers" in path else 3
    )


def test_by_the_hour_events_count_on_days_that_no_account_of_their_provider_covers(alice, acme, reported):
    read = make.connection(acme)
    for days_ago in (0, 1):
        make.spend(acme, read, "12.50", days_ago=days_ago)
    now = datetime.now(UTC)
    tracking.track(
        acme.pk,
        [event(id="m", occurredAt=now.isoformat(), provider="mistral", model="mistral-large", cost={"amount": "2"})],
        key_id=None,
        now=now,
    )

    def shown():
        return Browser(alice).get("/dashboard/?period=24h").content.decode()

    page = shown()
    assert stats(page)["Spend"] == "$2.00"
    assert "mistral-large" in page
    assert "gpt-4o-mini" not in page
    assert "/usage/?period=24h" in page

    with organization_scope(acme.pk):
        ingest.forget_connection(acme.pk, read.pk)
    assert stats(shown())["Spend"] == "$2.15"
