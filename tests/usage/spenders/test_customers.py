"""The page of customers and that of one: figures, order, search, pages, file, whoever looks."""

import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from itertools import count
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.usage.measuring.conftest import NOON, event
from tests.usage.pages.test_explorer import link, rows
from tests.usage.spenders.conftest import in_zone
from tokentra.lib.money import DASH
from tokentra.lib.tenancy import organization_scope
from usage import own_prices
from usage.measuring import tracking
from usage.spenders import files, listing

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MOST_QUERIES = 13
NO_QUESTIONS = ("SAVEPOINT", "RELEASE", "SET LOCAL")
NUMBERS = count()


def call(customer=None, *, cost="1", ago=timedelta(0), **said):
    whom = {"customerId": customer} if customer else {}
    told = {"id": f"{next(NUMBERS)}", "tokens": {"input": 10}, "cost": {"amount": cost}} | said
    return event(occurredAt=(NOON - ago).isoformat(), **whom, **told)


def page(browser, path="/customers/", status=200):
    answer = browser.get(path)
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def stats(content):
    """The headline figures by their labels."""
    found = re.findall(
        r'(?s)<section class="card stat"\s+aria-label="([^"]+)".*?<p class="stat-value"[^>]*>(.*?)</p>', content
    )
    return {label: unescape(value).strip() for label, value in found}


def table(content):
    return [row[:3] for row in rows(content)]


def test_each_customer_has_its_figures(acme, alices, send):
    send(
        call("alice", cost="3.20", latencyMs=800, ago=DAY),
        call("alice", cost="0.80", latencyMs=1_000, provider="anthropic", model="claude-sonnet-4-5"),
        call("bob", cost="1.00"),
        call(None, cost="5.00"),
    )

    content = page(alices)

    assert stats(content) == {"Customers": "2", "Cost": "$5.00", "Calls": "3", "Average per customer": "$2.50"}
    assert rows(content) == [
        ["alice", "$4.00", "2", "$2.00", "900 ms", "Anthropic, OpenAI", "19 Nov", "just now"],
        ["bob", "$1.00", "1", "$1.00", DASH, "OpenAI", "20 Nov", "just now"],
    ]
    text = " ".join(re.sub(r"<[^>]+>", " ", content).split())
    assert "50% of what was measured names no customer: $5.00 in 1 call." in text


@pytest.mark.parametrize(
    ("sort", "order"),
    [("", "cab"), ("cost", "bac"), ("-calls", "bac"), ("calls", "acb"), ("name", "abc"), ("-name", "cba"),
     ("average", "bac"), ("-average", "cab"), ("-latency", "abc"), ("nonsense", "cab")],
)  # fmt: skip
def test_the_table_is_sorted(sort, order, alices, send):
    send(call("a", cost="2", latencyMs=900), call("b", cost=".5"), call("b", cost=".5"), call("c", cost="3"))

    assert [row[0] for row in rows(page(alices, f"/customers/?sort={sort}"))] == [*order]


@pytest.mark.parametrize("sort", ["-cost", "average", "latency", "-latency", "name", "-last", "calls"])
def test_pages_hold_each_customer_once_forth_and_back(sort, alices, send):
    send(
        *(call(f"c{n:03}", cost=f"{n % 7}", latencyMs=n % 5 or None, ago=timedelta(minutes=n % 9)) for n in range(120)),
        *(call(f"c{n:03}", latencyMs=n % 3 + 1) for n in range(120)),  # averages that are no whole numbers
        *(call(f"c{n:03}", latencyMs=n % 4 + 1) for n in range(0, 120, 2)),
    )
    path, seen, pages = f"/customers/?sort={sort}", [], []
    while True:
        content = page(alices, path)
        pages.append([row[0] for row in rows(content)])
        seen += pages[-1]
        if 'class="paging"' not in content or ">Next<" not in content:
            break
        path = f"/customers/?{link(content, 'Next')}"

    assert [len(each) for each in pages] == [50, 50, 20]
    assert len(set(seen)) == 120
    back = page(alices, f"/customers/?{link(content, 'Previous')}")
    assert [row[0] for row in rows(back)] == pages[1]


def test_a_cursor_of_another_list_shows_the_first_page(alices, send):
    send(*(call(f"c{n:02}") for n in range(60)))
    cursor = link(page(alices, "/customers/?sort=name"), "Next")

    for query in (cursor.replace("sort=name", "sort=-name"), "after=nonsense", "after=" + "A" * 9_000):
        assert rows(page(alices, f"/customers/?{query}"))[0][0] in ("c00", "c59")


def test_a_search_finds_parts_of_ids_and_keeps_the_headlines(alices, send):
    send(call("Acme/eu"), call("acme-us"), call("other"), call("100%_x"))

    content = page(alices, "/customers/?q=ACME")

    assert sorted(row[0] for row in rows(content)) == ["Acme/eu", "acme-us"]
    assert stats(content)["Customers"] == "4"
    assert "These figures are of all customers; the table and its file follow the search." in content
    assert "These figures are of all" not in page(alices)
    assert [row[0] for row in rows(page(alices, "/customers/?q=%25_"))] == ["100%_x"]
    assert "Nothing of this name" in page(alices, "/customers/?q=nobody")


def test_periods_are_of_the_organizations_days_or_the_last_hours(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")  # noon UTC is 17:30 there
    send(call("now"), call("evening", ago=timedelta(hours=19)), call("week", ago=6 * DAY), call("month", ago=29 * DAY))

    def found(query):
        return sorted(row[0] for row in rows(page(alices, f"/customers/?{query}")))

    assert found("period=24h") == ["evening", "now"]
    assert found("period=today") == ["now"]
    assert found("period=7d") == ["evening", "now", "week"]
    assert found("period=30d") == ["evening", "month", "now", "week"]
    assert found("from=2026-11-19&to=2026-11-19") == ["evening"]  # 17:00 UTC of the 19th is 22:30 there
    assert "Last 30 days in Asia/Kolkata" in page(alices)
    assert "This period cannot be shown" in page(alices, "/customers/?from=2026-11-20&to=2026-11-01", 422)


def test_what_has_no_price_is_said_and_never_zero(alices, send):
    send(event(customerId="a", model="nobody-knows"), call("b", cost="1", tokens={"input": 1}), call("c", cost="0"))
    send(event(customerId="d", tokens={"input": 1}, cost={"amount": "2.5", "currency": "EUR"}))

    content = page(alices)

    found = {row[0]: row[1] for row in rows(content)}
    assert found == {"a": "unpriced: 1,045 tokens", "b": "$1.00", "c": "$0.00", "d": "2.50 EUR"}
    assert "Not in it: 2.50 EUR, 1 call without a price (1,045 tokens)." in content


PICTURES = {"model": "nobody-knows", "tokens": {}, "units": {"image": 3}, "latencyMs": 700}


@pytest.mark.parametrize(
    ("said", "in_table", "left_out"),
    [
        (PICTURES, "unpriced: 1 call", "Not in it: 1 call without a price."),
        ({"cost": {"amount": "2.5", "currency": "EUR"}}, "2.50 EUR", "Not in it: 2.50 EUR."),
    ],
)
def test_where_nothing_has_a_price_no_figure_is_zero(said, in_table, left_out, alices, send):
    send(event(customerId="a", agent="a", feature="chat", runId="r", **said))

    for path in ("/customers/", "/customers/a/", "/agents/", "/agents/a/", "/runs/r/", "/dashboard/measured/"):
        content = page(alices, path)
        found = stats(content)

        assert found.get("Cost", found.get("Measured cost")) == DASH, path
        assert left_out in content
        assert "$0.00" not in content.partition('aria-label="Newest runs"')[0]
    assert rows(page(alices))[0][1] == in_table
    assert stats(page(alices))["Average per customer"] == DASH
    one = page(alices, "/customers/a/")
    assert one.count("Nothing with a price in dollars in this period.") == 3  # over time, by model and by feature
    assert "names a feature" not in one


@pytest.mark.parametrize(
    ("model", "rates", "cost"), [("gpt-4o-mini", {}, "$0.00017"), ("nobody-knows", {"input": "0"}, DASH)]
)
def test_what_leaves_units_out_is_said_wherever_its_cost_is(model, rates, cost, acme, alices, send):
    if rates:
        with organization_scope(acme.pk):
            zero = {"input": Decimal(0), "cache_read": Decimal(0), "output": Decimal(0)}
            own_prices.enter(acme, "openai", model, rates=zero, since=date(2026, 1, 1))
        tracking.forget()
    send(event(customerId="a", agent="a", feature="chat", runId="r", model=model, units={"web_search": 3}))

    for path in ("/customers/", "/customers/a/", "/agents/", "/agents/a/", "/runs/r/", "/dashboard/measured/"):
        content = page(alices, path)
        found = stats(content)
        assert found.get("Cost", found.get("Measured cost")) == cost, path
        assert "Not in it: units without a price in 1 call." in content, path
    for path in ("/customers/", "/agents/", "/runs/", "/usage/measured/?group=model"):
        assert "in part: 1 call<" in page(alices, path), path
        assert "1 call used units that have no price, and the cost leaves them out" in page(alices, path)
    send(event(customerId="b"))
    assert "Not in it" not in page(alices, "/customers/b/")


def test_what_names_nobody_is_told_where_none_of_it_has_a_price(alices, send):
    send(call("a", cost="3"), event(**PICTURES), event(id="e", cost={"amount": "2.5", "currency": "EUR"}))

    def told():
        return " ".join(re.sub(r"<[^>]+>", " ", page(alices)).split())

    words = "2 of 3 calls name no customer, and nothing of these has a price in dollars: "
    assert f"{words}2.50 EUR, 1 call without a price." in told()
    send(call(None, cost="1"))
    assert (
        "25% of what was measured names no customer: $1.00 in 3 calls. Not in it: 2.50 EUR, 1 call without a price."
        in told()
    )


def test_before_any_event_the_page_teaches(alices, send):
    content = page(alices)

    assert "Customers will be here" in content
    assert "/api/usage/track" in content
    assert "customerId" in content
    send(call(None))
    assert "none of them names its customer yet" in page(alices)


def test_the_file_is_whole_and_no_formula(alices, send):
    send(*(call(f"c{n:03}", cost="0.000000000001") for n in range(70)), call("=cmd()", cost="9"), call("#x"))

    answer = alices.get("/customers.csv?sort=-cost")
    lines = b"".join(answer.streaming_content).decode().splitlines()

    assert lines[0].startswith("customer,cost_usd,other_currencies,calls,")
    assert lines[1].startswith("'=cmd(),9.00,")
    assert lines[2].startswith("'#x,1.00,")
    assert len(lines) == 74
    assert lines[-1] == "# rows: 72"
    assert sum(Decimal(line.split(",")[1]) for line in lines[3:-1]) == Decimal("0.000000000070")


ODD = [
    "a/b",
    "a//b/",
    ".",
    "..",
    "../../admin",
    "~x",
    "ünï çødé",
    "a b",
    " x",
    "%2F",
    "a?b=c#d",
    "-",
    "x" * 256,
    "<b>&",
    "\u202e",
]


@pytest.mark.parametrize("name", ODD)
def test_any_id_has_a_page_of_its_own(name, alices, send):
    send(call(name, cost="7"), call("another", cost="1"))

    [href] = [
        unescape(each) for each in re.findall(r'href="(/customers/[^"?]+/)\?', page(alices, "/customers/?sort=-cost"))
    ][:1]
    content = page(alices, href)

    assert href == reverse("usage:customer", args=[name])
    assert stats(content)["Cost"] == "$7.00"
    assert "../" not in href


def test_an_id_may_be_typed_as_it_is(alices, send):
    send(call("org/acme", cost="7"))

    assert stats(page(alices, f"/customers/{quote('org/acme', safe='')}/"))["Cost"] == "$7.00"


@pytest.mark.parametrize("path", ["nobody", "~", "~!", "~AA", "~" + "A" * 3_000, "%00"])
def test_who_is_not_there_is_not_found(path, alices, send):
    send(call("somebody"))

    assert alices.get(f"/customers/{path}/").status_code == 404


@pytest.mark.parametrize("word", ["Customers", "Agents", "Runs"])
def test_a_name_that_nobody_sent_leads_back_to_its_list(alices, word):
    page = alices.get(f"/{word.lower()}/nobody/")

    assert page.status_code == 404
    assert f"<span>Back to {word}</span>" in page.text
    assert page.text.count(f'href="/{word.lower()}/"') == 2, "in the sidebar and below the words"


def test_one_customer_is_told_by_model_feature_latency_errors_runs_and_calls(alices, send):
    send(
        call("alice", cost="3", latencyMs=1_000, feature="chat", runId="r-1", agent="planner"),
        call("alice", cost="1", latencyMs=9_000, model="gpt-4o", status="error", errorCode="rate_limited", ago=2 * DAY),
        call("bob", cost="100", runId="r-2"),
    )

    content = page(alices, "/customers/alice/")

    assert stats(content)["Cost"] == "$4.00"
    assert stats(content)["Errors"] == "50%"
    text = " ".join(re.sub(r"<[^>]+>", " ", content).split())
    for said in ("gpt-4o-mini $3.00 75%", "gpt-4o $1.00 25%", "chat $3.00", "1 of 2 calls", "r-1", "Error"):
        assert said in text
    assert "r-2" not in text
    assert "$100" not in text


@pytest.mark.parametrize(
    ("took", "median", "slow"),
    [
        ([30, 40], "more than 12.9 min", "The slowest 5% took more than 12.9 min"),
        ([1, 1, 40], "1.1 min", "The slowest 5% took more than 12.9 min"),
        ([1], "58.3 s", "95% took at most 1.2 min"),
    ],
)
def test_what_took_longer_than_is_counted_is_told_as_more(took, median, slow, alices, send):
    send(*(call("a", latencyMs=minutes * 60_000) for minutes in took))

    for path in ("/customers/a/", "/dashboard/measured/"):
        content = page(alices, path)
        assert stats(content)["Latency, median"] == median
        assert slow in content
        assert ("at most a quarter off" in content) is not median.startswith("more than")


def test_what_was_free_is_not_without_a_price(alices, send):
    send(call("a", cost="0", feature="chat"), call("b", cost="0"), call("b", cost="0", model="unknown", userId="u"))

    for path, times in (
        ("/customers/a/", 3),
        ("/customers/b/", 2),
        ("/usage/measured/", 0),
        ("/dashboard/measured/", 2),
    ):
        content = page(alices, path)
        assert content.count("Nothing was spent in this period.") == times, path
        assert "Nothing with a price" not in content
    assert "No call of this period names a feature." in page(alices, "/customers/b/")
    assert "Cost by model" not in page(alices, "/attribution/measured/user/u/")  # which is not kept


def test_other_currencies_stand_in_the_order_of_their_codes(alices, send):
    codes = ("GBP", "EUR", "JPY", "CHF")
    for turn in range(4):  # however the database meets them
        each = [*codes[turn:], *codes[:turn]]
        send(
            *(
                call(f"c{turn}", cost="1", runId=f"r{turn}") | {"cost": {"amount": "1", "currency": code}}
                for code in each
            )
        )

    in_order = sorted(codes)
    for path in ("/customers/", "/customers/c1/", "/runs/r2/", "/dashboard/measured/"):
        [note] = re.findall(r"Not in it: (.*?)\.<", page(alices, path))
        assert re.findall("[A-Z]{3}", note) == in_order, path
    assert all(re.findall("[A-Z]{3}", row[1]) == in_order for row in rows(page(alices)))
    lines = b"".join(alices.get("/customers.csv").streaming_content).decode().splitlines()
    assert {line.split(",")[2] for line in lines[1:5]} == {"; ".join(f"1.00 {code}" for code in in_order)}
    items = [*alices.get("/api/customers").json()["items"], alices.get("/api/customers").json()["totals"]]
    assert all([each["currency"] for each in item["otherCurrencies"]] == in_order for item in items)


def test_hours_say_what_is_kept_by_day(alices, send):
    send(call("alice", cost="3"), call("alice", cost="2", ago=timedelta(hours=26)))

    content = page(alices, "/customers/alice/?period=24h")

    assert stats(content)["Cost"] == "$3.00"
    assert "Kept by day: all of 19 Nov and 20 Nov." in content


def test_the_newest_calls_are_found_among_those_of_others(alices, send):
    send(*(call("busy", ago=timedelta(seconds=n)) for n in range(300)))
    send(*(call("rare", cost=f"{n}", ago=timedelta(days=n, minutes=7)) for n in range(1, 4)))
    send(*(call("busy", ago=timedelta(days=2, seconds=n)) for n in range(300)))

    content = page(alices, "/customers/rare/?period=24h")

    assert "The newest 3, whatever the period." in content
    assert [cost for cost in ("$1.00", "$2.00", "$3.00") if cost not in content] == []
    assert "of the newest" not in content


def test_of_many_calls_the_newest_twenty_are_shown_and_more_when_asked(alices, send):
    send(*(call("busy", ago=timedelta(seconds=n)) for n in range(60)))

    few = page(alices, "/customers/busy/?period=7d")
    every = page(alices, "/customers/busy/?period=7d&calls=all")

    assert "The newest 20, whatever the period." in few
    assert "20 of the newest 50" in few
    assert 'href="?period=7d&amp;calls=all#calls"' in few
    assert (few.count('href="/calls/'), every.count('href="/calls/')) == (20, 50)
    assert "The newest 50, whatever the period." in every
    assert "of the newest" not in every


def test_change_is_against_an_equal_stretch_that_was_measured(alices, send):
    send(call("a", cost="1", ago=20 * DAY), call("a", cost="2", ago=10 * DAY), call("a", cost="3", ago=3 * DAY))

    for path in ("/customers/", "/customers/a/", "/dashboard/"):
        assert "50% more than the 6 days before, without today<" in page(alices, f"{path}?period=7d")
        assert "no earlier data" in page(alices, f"{path}?period=30d")


def test_a_day_on_which_reporting_began_is_not_compared(alices, send):
    send(call("a", ago=12 * DAY - timedelta(hours=1)), call("a", ago=3 * DAY))  # one before began at midnight

    for path in ("/customers/", "/dashboard/"):
        assert "no earlier data" in page(alices, f"{path}?period=7d")


@pytest.mark.parametrize(
    "path", ["/customers/", "/customers/?q=c&sort=latency", "/customers/c001/", "/customers/c001/?period=24h"]
)
def test_a_page_takes_few_queries_however_many_customers(path, alices, send):
    send(*(call(f"c{n:03}", feature=f"f{n % 5}", runId=f"r{n}", model=f"m{n % 9}") for n in range(200)))
    page(alices, path)  # what the session remembers is remembered

    with CaptureQueriesContext(connection) as asked:
        page(alices, path)

    questions = [each["sql"] for each in asked if not each["sql"].startswith(NO_QUESTIONS)]
    assert len(questions) <= MOST_QUERIES, "\n".join(questions)


def test_another_organization_sees_none_of_it(alices, mallorys, send, elsewhere):
    send(call("secret-customer", runId="secret-run"))

    assert "secret" not in page(mallorys)
    assert mallorys.get("/customers/secret-customer/").status_code == 404
    assert mallorys.get("/runs/secret-run/").status_code == 404
    assert "secret" not in b"".join(mallorys.get("/customers.csv").streaming_content).decode()


def test_b18_a_file_that_breaks_on_its_way_says_so_at_its_end(alices, send, monkeypatch):
    send(call("a"), call("b"), call("c"))
    real = listing.every

    def breaks_at_the_second(*args):
        yield next(real(*args))
        raise ConnectionError("gone")

    monkeypatch.setattr(listing, "every", breaks_at_the_second)
    monkeypatch.setattr(files, "AT_ONCE", 1)
    text = b"".join(alices.get("/customers.csv").streaming_content).decode()

    *_, error, last = text.splitlines()
    assert error == "# error: The export stopped early and is not complete. Ask for it again."
    assert last == "# rows: 1"
