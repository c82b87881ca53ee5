"""The usage table: groups, filters, order, pages, and the states in which it has no rows."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from tests import make
from tests.conftest import Browser
from tests.usage.pages.accounts_read import MINI, NOW, on, openai, two_settled_days, whole_history
from tokentra.lib.money import DASH
from usage.rows import Tokens

pytestmark = pytest.mark.django_db
BOTH = "from=2026-11-10&to=2026-11-11"


def page(browser: Browser, query: str = BOTH, status: int = 200) -> str:
    answer = browser.get(f"/usage/?{query}")
    assert answer.status_code == status, answer.content
    return answer.content.decode()


def rows(content: str) -> list[list[str]]:
    """The words of each body row."""
    body = re.search(r"(?s)<tbody>(.*?)</tbody>", content)
    assert body, "no table"
    found = []
    for row in re.findall(r"(?s)<tr.*?</tr>", body[1]):
        cells = re.findall(r"(?s)<t[dh][^>]*>(.*?)</t[dh]>", row)
        found.append([" ".join(unescape(re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", " ", cell)).split()) for cell in cells])
    return found


def link(content: str, label: str) -> str:
    """Where a link of the page leads."""
    for href, words in re.findall(r'(?s)<a[^>]*href="([^"]*)"[^>]*>(.*?)</a>', content):
        if " ".join(re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", " ", words).split()) == label:
            return unescape(href).removeprefix("?")
    raise AssertionError(f"no link {label!r}")


def test_it_is_by_day_model_project_and_key_at_first(acme: Organization, alices: Browser):
    two_settled_days(acme)

    total, *found = rows(page(alices))

    assert total == ["Total of 4 rows", "$4.00", "107", "2.20M", "0", "200K"]
    assert found[0] == ["11 Nov", "No model", "Support", "No API key", "$0.15", DASH, "0", "0", "0"]
    assert found[-1][:4] == ["10 Nov", MINI, "Support", "key_1"]


@pytest.mark.parametrize(
    ("group", "first"),
    [
        ("group=week", ["9 Nov", "$4.00"]),
        ("group=month&group=provider", ["November 2026", "OpenAI", "$4.00"]),
        ("group=project", ["Search", "$3.35"]),
        ("group=service_tier", ["Standard", "$4.00"]),
        ("group=user&group=day&sort=day", ["10 Nov", "No user", "$3.60"]),
        ("group=nonsense", ["11 Nov", "No model"]),
    ],
)
def test_groups_can_be_chosen(acme: Organization, alices: Browser, group: str, first: list[str]):
    two_settled_days(acme)

    assert rows(page(alices, f"{BOTH}&{group}"))[1][: len(first)] == first


def test_hours_are_by_one_dimension_at_a_time(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1, hour=9), on(1, hour=10))

    _, first, second = rows(page(alices, "period=7d&group=hour&group=model"))

    assert (first[0], second[0]) == ("19 Nov, 10:00", "19 Nov, 09:00")
    refused = page(alices, "period=7d&group=hour&group=model&project=proj_a", 422)
    assert "By hour, usage is kept for one dimension at a time." in refused
    assert "Hours are shown for at most 93 days." in page(alices, "from=2026-01-01&to=2026-11-01&group=hour", 422)


@pytest.mark.parametrize(
    ("sort", "costs"),
    [
        ("cost", ["$0.15", "$0.50", "$3.35"]),
        ("-cost", ["$3.35", "$0.50", "$0.15"]),
        ("-requests", ["$0.50", "$3.35", "$0.15"]),
        ("-output", ["$3.35", "$0.15", "$0.50"]),
        ("-tokens", ["$0.50", "$3.35", "$0.15"]),
        ("model", ["$0.15", "$3.35", "$0.50"]),
        ("nonsense", ["$3.35", "$0.50", "$0.15"]),
    ],
)
def test_every_column_sorts(acme: Organization, alices: Browser, sort: str, costs: list[str]):
    two_settled_days(acme)

    assert [row[1] for row in rows(page(alices, f"{BOTH}&group=model&sort={sort}"))[1:]] == costs


@pytest.mark.parametrize("sort", ["", "-cost", "model", "requests", "-cache_read"])
def test_pages_go_forth_and_back_over_the_same_rows(acme: Organization, alices: Browser, sort: str):
    models = [f"model-{number:03}" for number in range(120)]
    whole_history(openai(acme), *(on(1, model=model, requests=7) for model in models))
    query = f"period=7d&group=day&group=model&sort={sort}"

    first = page(alices, query)
    second = page(alices, link(first, "Next"))
    third = page(alices, link(second, "Next"))
    again = page(alices, link(third, "Previous"))

    seen = [row[1] for content in (first, second, third) for row in rows(content)[1:]]
    assert sorted(seen) == models
    assert rows(again) == rows(second)
    assert rows(page(alices, link(again, "Previous"))) == rows(first)
    assert "50 of 120 rows" in first
    assert "Next" not in third


def test_a_cursor_of_another_order_is_the_first_page(acme: Organization, alices: Browser):
    two_settled_days(acme)

    assert rows(page(alices, f"{BOTH}&after=nonsense")) == rows(page(alices))


def test_a_cell_leads_to_only_its_rows(acme: Organization, alices: Browser):
    two_settled_days(acme)

    only = page(alices, link(page(alices, f"{BOTH}&group=project"), "Search"))

    assert [row[1] for row in rows(only)] == ["$3.35", "$3.35"]
    assert "Project: Search" in only


def test_a_day_leads_to_only_itself(acme: Organization, alices: Browser):
    two_settled_days(acme)

    only = page(alices, link(page(alices), "10 Nov"))

    assert [row[0] for row in rows(only)] == ["Total of 2 rows", "10 Nov", "10 Nov"]


def test_the_file_is_what_is_seen(acme: Organization, alices: Browser):
    two_settled_days(acme)
    content = page(alices, f"{BOTH}&group=project&sort=cost&model={MINI}")

    href = link(content, "Export CSV")
    text = b"".join(alices.get(href).streaming_content).decode()

    assert text.splitlines()[0].startswith("project,project_name,cost_usd,")
    assert text.splitlines()[1].startswith("proj_a,Support,0.50,")
    assert text.splitlines()[-1] == "# rows: 1"


def test_without_figures_it_teaches(alices: Browser):
    content = page(alices)

    assert "Your AI spend will be here" in content
    assert "<table" not in content


def test_filters_that_match_nothing_can_be_cleared(acme: Organization, alices: Browser):
    two_settled_days(acme)

    content = page(alices, f"{BOTH}&model=unheard-of")

    assert "No usage matches" in content
    assert len(rows(page(alices, link(content, "Clear filters")))) == 5


def test_b43_a_filter_from_the_address_is_text(acme: Organization, alices: Browser):
    two_settled_days(acme)

    content = page(alices, f"{BOTH}&model=%3Cscript%3Ealert(1)%3C/script%3E&project=a%00b")

    assert "<script>alert(1)" not in content


def test_unpriced_and_unknown_are_told_in_their_cells(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1, model="model-without-a-rate", requests=None, tokens=Tokens(output=5_000)))

    row = rows(page(alices, "period=7d&group=model"))[1]

    assert row[1:3] == ["unpriced: 5,000 tokens", DASH]


def test_thousands_of_rows_take_a_handful_of_queries(acme: Organization, alices: Browser):
    make.story(acme, NOW)

    with CaptureQueriesContext(connection) as captured:
        content = page(alices, "period=90d")

    assert "50 of 1," in content
    asked = [
        each["sql"] for each in captured if each["sql"].startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "DECLARE"))
    ]
    assert len(asked) <= 15, asked


def test_a_stranger_is_sent_to_the_login_page_and_mallory_sees_nothing(acme: Organization, mallorys: Browser):
    two_settled_days(acme)

    assert Browser().get("/usage/").status_code == 302
    assert "Support" not in page(mallorys)


def test_a_week_leads_to_its_days(acme: Organization, alices: Browser):
    whole_history(openai(acme), *(on(n) for n in range(30)))

    only = page(alices, link(page(alices, "period=30d&group=week"), "9 Nov"))

    assert [row[0] for row in rows(only)][1:] == [f"{day} Nov" for day in range(15, 8, -1)]


@pytest.mark.parametrize(
    "query",
    [
        "group=%00&sort=%00&after=%00&period=7d",
        "before=WyJhIiwgWzFdXQ&group=day",
        "sort=-day&group=none",
        "group=day&group=week&group=month&group=hour",
        "service_tier=priority&user=somebody&group=user",
        "provider=&model=&project=&api_key=",
        "from=2026-11-10&to=2026-11-10&group=hour&group=api_key",
    ],
)
def test_an_address_written_by_hand_is_never_an_error_of_ours(acme: Organization, alices: Browser, query: str):
    two_settled_days(acme)

    assert alices.get(f"/usage/?{query}").status_code in (200, 422)
    assert alices.get(f"/dashboard/?{query}").status_code in (200, 422)


def test_the_filter_form_keeps_filters_it_does_not_ask_for(acme: Organization, alices: Browser):
    two_settled_days(acme)

    content = page(alices, f"{BOTH}&service_tier=default&sort=-cost&filters=open")

    assert '<input type="hidden" name="service_tier" value="default">' in content
    assert '<input type="hidden" name="from" value="2026-11-10">' in content
