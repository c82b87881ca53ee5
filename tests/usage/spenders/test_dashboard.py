"""The dashboard's measured part: shown where calls are reported, and the whole of it for one customer."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.measuring.conftest import NOON
from tests.usage.pages.accounts_read import two_settled_days
from tests.usage.spenders import stories
from tests.usage.spenders.test_customers import MOST_QUERIES, NO_QUESTIONS, call, page, stats
from tests.usage.spenders.test_runs import words

pytestmark = pytest.mark.django_db


def test_without_events_the_part_is_empty(acme, alices):
    two_settled_days(acme)

    assert page(alices, "/dashboard/measured/").strip() == ""
    assert "Your AI spend will be here" not in page(alices, "/dashboard/")


def test_it_tells_cost_latency_errors_runs_and_the_dearest(alices, send):
    send(
        call("alice", cost="3", latencyMs=400, runId="r1", agent="planner", feature="chat"),
        call("bob", cost="1", latencyMs=400, runId="r2", status="error"),
        call("bob", cost="1", runId="r2", ago=timedelta(days=2)),
        call(None, cost="5"),
    )

    content = page(alices, "/dashboard/measured/?period=7d")

    assert stats(content)["Measured cost"] == "$10.00"
    assert stats(content)["Error rate"] == "25%"
    assert stats(content)["Unique runs"] == "2"
    assert "alice $3.00 60% bob $2.00 40%" in words(content)
    assert "50% of the measured cost names one" in words(content)
    assert "chat $3.00 100%" in words(content)
    assert 'href="/agents/planner/?period=7d"' in content
    assert '<option value="alice">' in content
    assert stats(page(alices, "/dashboard/measured/?period=24h"))["Unique runs"] == "1"  # r2 began before


def test_without_a_script_the_dashboard_leads_to_what_was_measured(alices, send):
    send(call("alice"))

    assert 'href="/usage/measured/?period=7d">What your own code measured</a>' in page(alices, "/dashboard/?period=7d")


@pytest.mark.parametrize(("number", "is_told"), [(50, False), (51, True)])
def test_where_not_all_customers_can_be_chosen_it_says_so(number, is_told, alices, send):
    send(*(call(f"c{n:02}", cost=f"{n}") for n in range(number)))

    content = page(alices, "/dashboard/measured/?period=7d")

    assert content.count("<option ") == 50
    assert ("The 50 that cost most." in content) is is_told
    assert ('<a href="/customers/?period=7d">All customers</a>' in content) is is_told


def test_values_beyond_the_dearest_are_one(alices, send):
    send(*(call(f"c{n}", cost=f"{n}") for n in range(1, 9)))

    assert "All others $6.00" in words(page(alices, "/dashboard/measured/"))


def test_an_organization_that_only_sends_events_has_a_dashboard(alices, send):
    send(call("alice", cost="3"))

    content = page(alices, "/dashboard/")

    assert stats(content)["Spend"] == "$3.00"
    assert "/dashboard/measured/?period=30d" in content
    assert stats(page(alices, "/dashboard/?period=7d"))["Requests"] == "1"
    assert "$3.00" in page(alices, "/usage/?group=day")
    assert "$3.00" in page(alices, "/dashboard/summary/")


@pytest.mark.parametrize("name", ["alice", "acme/eu & co"])
def test_of_one_customer_it_is_all_measured_and_says_so(name, alices, send):
    send(call(name, cost="3", feature="chat"), call("bob", cost="50"), call(None, cost="100"))

    content = page(alices, f"/dashboard/?period=7d&customer={quote(name)}")

    assert stats(content)["Cost"] == "$3.00"
    assert "measured by your own code: bills do not know your customers" in words(content)
    assert f"Customer: {name}" in words(content)
    assert "$50" not in content
    href = re.search(r'chip-press"\s+href="([^"]*)"\s+title="Customer', content)
    assert href
    assert unescape(href[1]) == "?period=7d"


def test_a_customer_who_never_called_is_said_to_be_unknown(alices, send):
    send(call("alice"))

    assert "No calls of this customer" in page(alices, "/dashboard/?customer=nobody")


def test_another_organizations_customer_is_unknown(alices, mallorys, send):
    send(call("alice", cost="3"))

    assert "No calls of this customer" in page(mallorys, "/dashboard/?customer=alice")
    assert page(mallorys, "/dashboard/measured/").strip() == ""


@pytest.mark.parametrize(
    "path", ["/dashboard/measured/", "/dashboard/measured/?period=24h", "/dashboard/?customer=alice"]
)
def test_it_takes_few_queries(path, alices, send):
    send(*stories.weeks(NOON, calls=200))
    page(alices, path)

    with CaptureQueriesContext(connection) as asked:
        page(alices, path)

    questions = [each["sql"] for each in asked if not each["sql"].startswith(NO_QUESTIONS)]
    assert len(questions) <= MOST_QUERIES, questions
