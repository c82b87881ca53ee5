"""The usage table of measured calls: any dimension over time, filters, order, pages and the whole of it as a file."""

import csv
import json
import re
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from django.urls import reverse
from django.utils.html import escape

from tests.answers import body_of
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON
from tests.usage.pages.test_explorer import link, rows
from tests.usage.spenders.conftest import in_zone
from tests.usage.spenders.test_customers import call, stats
from usage.measuring import tracking
from usage.spenders.stats import KNOWN as DIMENSIONS
from usage.spenders.words import WORDS, href

pytestmark = pytest.mark.django_db
PAGE = "/usage/measured/"
DAY = timedelta(days=1)


@pytest.fixture
def sent(send):
    send(
        call("alice", cost="3", model="gpt-4o", feature="chat", team="Growth", latencyMs=800, ago=DAY),
        call("alice", cost="0.50", model="gpt-4o-mini", feature="search", team="Growth", latencyMs=1_000),
        call("bob", cost="1", model="gpt-4o", feature="chat", team="Support", status="error"),
        call(None, cost="5", model="gpt-4o", team="Support"),
    )


def page(browser, query="", status=200):
    answer = browser.get(f"{PAGE}?{query}")
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def shown(content, columns):
    """The first cells of each row below the total."""
    return [row[:columns] for row in rows(content)[1:]]


def test_it_is_by_day_and_customer_at_first_and_tells_what_all_of_it_adds_up_to(alices, sent):
    content = page(alices)

    assert rows(content)[0] == ["Total of 3 rows", "$4.50", "3", "1", "30", "0", "900 ms"]
    assert "1 of 4 calls names no customer: not in these rows." in content
    assert shown(content, 4) == [
        ["20 Nov", "alice", "$0.50", "1"],
        ["20 Nov", "bob", "$1.00", "1"],
        ["19 Nov", "alice", "$3.00", "1"],
    ]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("group=customer&group=feature", "1 of 4 calls names no customer or no feature"),
        ("group=hour&group=customer&period=24h", "1 of 3 calls names no customer"),
        ("group=day&group=customer&period=24h", "1 of 4 calls names no customer"),
        ("group=customer&group=model", "1 of 4 calls names no customer:"),
        ("group=feature", "1 of 4 calls names no feature"),
        ("group=team", ""),
        ("group=day&group=model", ""),
        ("group=day&customer=bob", ""),
    ],
)
def test_calls_that_are_in_no_row_are_counted(query, told, alices, sent):
    content = page(alices, query)

    assert told in content
    assert ("not in these rows" in content) is bool(told)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("group=customer", [["alice", "$3.50"], ["bob", "$1.00"]]),
        ("group=month&group=team", [["November 2026", "Growth", "$3.50"], ["November 2026", "Support", "$6.00"]]),
        ("group=week", [["16 Nov", "$9.50"]]),
        ("group=model&group=customer&sort=cost", [["alice", "gpt-4o-mini", "$0.50"], ["bob", "gpt-4o", "$1.00"], ["alice", "gpt-4o", "$3.00"]]),
        ("group=feature&customer=alice", [["chat", "$3.00"], ["search", "$0.50"]]),
        ("group=day&customer=alice&customer=bob", [["20 Nov", "$1.50"], ["19 Nov", "$3.00"]]),
        ("group=team&sort=-calls", [["Growth", "$3.50"], ["Support", "$6.00"]]),
        ("group=customer&sort=-errors", [["bob", "$1.00"], ["alice", "$3.50"]]),
        ("group=customer&sort=-latency", [["alice", "$3.50"], ["bob", "$1.00"]]),
        ("group=nonsense&from=2026-11-19&to=2026-11-19", [["19 Nov", "alice", "$3.00"]]),
    ],
)  # fmt: skip
def test_columns_filters_and_order_can_be_chosen(query, found, alices, sent):
    assert shown(page(alices, query), len(found[0])) == found


@pytest.mark.parametrize("name", DIMENSIONS)
def test_every_dimension_has_rows_over_time(name, alices, send):
    said = {} if name in ("model", "api_key") else {WORDS[name].field: "mine"}
    send(call(None, **said))

    content = page(alices, f"group=day&group={name}")

    if name != "api_key":  # these calls came without one
        assert shown(content, 2) == [["20 Nov", "gpt-4o-mini" if name == "model" else "mine"]]


def test_hours_are_those_of_the_zone(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")
    send(call("alice", ago=timedelta(minutes=90)), call("bob"))

    content = page(alices, "period=24h")

    assert shown(content, 2) == [["20 Nov, 17:30", "bob"], ["20 Nov, 16:00", "alice"]]
    assert "in Asia/Kolkata" in content


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("group=team&group=tool", "by one dimension, or by two of these"),
        ("group=hour&group=team", "By hour, calls are kept by one of customer, agent, model"),
        ("group=hour&group=customer&model=openai/gpt-4o", "By hour, calls are kept by one of"),
        ("group=hour&group=customer&from=2026-01-01&to=2026-11-01", "at most 93 days"),
        ("from=2026-11-02&to=2026-11-01", "The last day is before the first one."),
    ],
)
def test_what_is_not_kept_is_said_and_nothing_else_is_shown(query, sentence, alices, sent):
    assert sentence in page(alices, query, 422)
    refused = alices.get(f"/usage/measured.csv?{query}")
    assert (refused.status_code, sentence in refused.content.decode()) == (422, True)


def test_days_are_told_where_the_period_is_of_hours(alices, sent):
    assert "Kept by day: all of 19 Nov and 20 Nov." in page(alices, "period=24h&group=feature")


def test_a_value_leads_to_its_own_rows_and_a_chip_back(alices, sent):
    content = page(alices, "group=day&group=customer")

    only = page(alices, link(content, "alice"))

    assert shown(only, 2) == [["20 Nov", "$0.50"], ["19 Nov", "$3.00"]]
    assert shown(page(alices, link(only, "Customer: alice Remove this filter")), 2) == [
        ["20 Nov", "$6.50"],
        ["19 Nov", "$3.00"],
    ]


def test_a_filter_that_is_typed_becomes_one_of_the_address(alices, sent):
    answer = alices.get(f"{PAGE}?group=day&by=customer&value=alice&period=7d")

    assert answer["Location"] == f"{PAGE}?period=7d&group=day&customer=alice"
    assert "No call matches" in page(alices, "customer=nobody")


@pytest.mark.parametrize("sort", ["", "-cost", "customer", "calls", "latency", "-latency", "-day"])
def test_pages_go_forth_and_back_over_the_same_rows(sort, alices, send):
    send(
        *(call(f"c{n:03}", cost=f"{n % 7}", latencyMs=100 * (n % 3) + 1) for n in range(120)),
        *(call(f"c{n:03}", latencyMs=n % 4 + 2) for n in range(120)),  # averages that are no whole numbers
        *(call(f"c{n:03}", latencyMs=n % 5) for n in range(0, 120, 2)),
    )
    query = urlencode({"sort": sort}) if sort else ""

    first = page(alices, query)
    second = page(alices, link(first, "Next"))
    third = page(alices, link(second, "Next"))
    again = page(alices, link(third, "Previous"))

    seen = [row[1] for content in (first, second, third) for row in rows(content)[1:]]
    assert sorted(seen) == [f"c{n:03}" for n in range(120)]
    assert rows(again) == rows(second)
    assert rows(page(alices, link(again, "Previous"))) == rows(first)
    assert "50 of 120 rows" in first
    assert "Next" not in third


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "WyJhIiwgW11d", "a" * 5_000])
def test_a_strange_cursor_is_the_first_page(cursor, alices, sent):
    assert rows(page(alices, f"after={cursor}")) == rows(page(alices))
    assert rows(page(alices, f"before={cursor}")) == rows(page(alices))


def test_the_file_has_all_of_it_and_no_formula(alices, send):
    send(*(call(f"c{n:03}", cost="1") for n in range(120)), call("=1+1", cost="2.5"))

    answer = alices.get("/usage/measured.csv?group=customer&sort=-cost")

    lines = b"".join(answer).decode().splitlines()
    assert lines[0].startswith("customer,cost_usd,")
    assert lines[1].startswith("'=1+1,2.50,")
    assert (len(lines), lines[-1]) == (123, "# rows: 121")
    assert "tokentra-measured-2026-10-22-to-2026-11-20.csv" in answer["Content-Disposition"]


@pytest.mark.parametrize("dimension", ["team", "feature", "model"])
def test_the_attribution_of_every_dimension_is_a_file_and_leads_to_its_days(dimension, alices, sent):
    content = alices.get(f"/attribution/measured/{dimension}/?period=7d").content.decode()

    assert f"{PAGE}?period=7d&amp;group=day&amp;group={dimension}" in content
    lines = b"".join(alices.get(f"/attribution/measured/{dimension}.csv")).decode().splitlines()
    assert lines[0].startswith(f"{dimension},cost_usd")
    assert lines[-1] == "# rows: 2"
    assert alices.get("/attribution/measured/nonsense.csv").status_code == 404


def test_the_two_tables_of_usage_lead_to_each_other(alices, sent):
    assert "/usage/?period=7d" in page(alices, "period=7d&group=team")
    assert f"{PAGE}?period=7d" in alices.get("/usage/?period=7d").content.decode()


def test_before_anything_is_measured_the_page_teaches(alices, acme):
    content = page(alices)

    assert "filled by your own code" in content
    assert "Export CSV" not in content


def test_keys_are_shown_by_their_names(acme, alices):
    made = issued(acme, "ingest", name="Checkout service")
    tracking.track(acme.pk, [call("alice", runId="r")], key_id=made.key.pk, now=NOON)

    for path in (
        f"{PAGE}?group=api_key",
        "/attribution/measured/api_key/",
        "/attribution/measured/api_key/?q=CHECKOUT",
        f"/attribution/measured/api_key/{made.key.pk}/",
        "/usage/",
    ):
        assert "Checkout service" in alices.get(path).content.decode(), path
    assert "Nothing of this name" in alices.get("/attribution/measured/api_key/?q=cart").content.decode()
    run = alices.get("/runs/r/").content.decode()
    assert ">Checkout service</a>" in alices.get(re.search(r"/calls/[^\"]+/", run)[0]).content.decode()


@pytest.mark.parametrize("name", ["region", "cost unit", "a'b--c\";d", "x__gt", "ümlaut/%s"])
def test_a_tag_that_is_added_up_is_a_column_a_filter_and_a_file(name, alices, send):
    alices.post("/attribution/tags/add/", {"name": name})
    tracking.forget()
    send(call("alice", cost="3", tags={name: "eu"}), call("bob", cost="1", tags={name: "us"}), call("bob"))
    by_tag = urlencode({"group": f"tag:{name}"})

    content = page(alices, by_tag)
    only = page(alices, link(content, "eu"))

    assert shown(content, 2) == [["eu", "$3.00"], ["us", "$1.00"]]
    assert shown(page(alices, f"{by_tag}&sort=tag:{quote(name)}"), 1) == [["eu"], ["us"]]
    assert f"Value of {escape(name)}: eu" in only
    assert shown(only, 2) == [["20 Nov", "$3.00"]]
    assert shown(page(alices, f"{by_tag}&group=model"), 3) == [
        ["gpt-4o-mini", "eu", "$3.00"],
        ["gpt-4o-mini", "us", "$1.00"],
    ]
    assert "by two of these" in page(alices, f"{by_tag}&group=customer", 422)
    answer = alices.get(f"{PAGE[:-1]}.csv?{by_tag}")
    assert [row[:2] for row in csv.reader(body_of(answer).splitlines())][1:3] == [["eu", "3.00"], ["us", "1.00"]]
    answer = alices.get(reverse("usage:measured_file", args=[f"tag:{name}"]))
    assert [row[:2] for row in csv.reader(body_of(answer).splitlines())][:2] == [
        [f"tag:{name}", "cost_usd"],
        ["eu", "3.00"],
    ]
    assert re.fullmatch(r'attachment; filename="[a-z0-9_-]+\.csv"', answer["Content-Disposition"])
    items = alices.get(f"/api/usage/stats?{urlencode({'groupBy': f'tag:{name}', 'limit': 1})}").json()
    assert [item[f"tag:{name}"] for item in items["items"]] == ["eu"]


def test_a_tag_that_is_not_added_up_is_no_column_and_no_file(alices, sent):
    assert "Value of plan" not in page(alices, "group=tag:plan", status=422)
    assert alices.get(reverse("usage:measured_file", args=["tag:plan"])).status_code == 404


def test_another_organization_sees_nothing_of_it(mallorys, sent):
    assert "alice" not in page(mallorys, "group=customer")
    assert b"alice" not in b"".join(mallorys.get("/usage/measured.csv?group=customer"))


@pytest.mark.parametrize("dimension", [name for name in DIMENSIONS if name != "api_key"])
def test_at_twenty_four_hours_what_is_kept_by_day_shows_whole_days_and_says_so(dimension, alices, send):
    said = {WORDS[dimension].field: "a"}
    send(*(call(cost="1", ago=timedelta(hours=hours), **said) for hours in (0, 1, 20, 30, 44)))
    is_by_hour = dimension in ("customer", "agent", "model")
    value = "openai/a" if dimension == "model" else "a"
    pages = [reverse("usage:measured", args=[dimension]), href(dimension, value)]

    for path in pages:
        content = alices.get(f"{path}?period=24h").content.decode()

        assert stats(content)["Cost"] == ("$3.00" if is_by_hour else "$4.00")  # 30 hours ago is 6:00 of the 19th
        assert ("Kept by day: all of 19 Nov and 20 Nov. " in " ".join(content.split())) is not is_by_hour
    [drawn] = re.findall(r'"states": (\[[^]]*\]), "series"', content)[:1]
    assert len(json.loads(drawn)) == (24 if is_by_hour else 2)
