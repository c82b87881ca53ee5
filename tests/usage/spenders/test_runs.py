"""Runs by time, one run as a tree, and one call with the rate behind each class of tokens."""

import re
from datetime import date, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.conftest import Browser
from tests.usage.measuring.conftest import NOON, event
from tests.usage.pages.test_explorer import link, rows
from tests.usage.spenders import stories
from tests.usage.spenders.conftest import in_zone
from tests.usage.spenders.test_customers import MOST_QUERIES, NO_QUESTIONS, call, page, stats
from tokentra.lib.money import DASH
from tokentra.lib.tenancy import organization_scope
from usage import own_prices
from usage.measured import Event
from usage.measuring import tracking
from usage.spenders import calls, runs

pytestmark = pytest.mark.django_db


def words(content):
    return " ".join(unescape(re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", " ", content)).split())


def held(acme, **of):
    with organization_scope(acme.pk):
        return Event.objects.owned_by(acme).get(**of)


def test_the_newest_runs_come_first_with_their_sums(alices, send):
    send(
        call("alice", cost="1", runId="old", agent="planner", ago=timedelta(days=40) - timedelta(days=12)),
        call("alice", cost="1", runId="new", agent="planner", ago=timedelta(minutes=2)),
        call("alice", cost="2", runId="new", status="timeout"),
    )

    found = rows(page(alices, "/runs/"))

    assert [row[0] for row in found] == ["new", "old"]
    assert found[0][1:3] == ["planner", "alice"]
    assert found[0][4:] == ["2.0 min", "2", "1", "20", "$3.00"]


def test_a_run_with_no_amount_in_dollars_does_not_show_zero(alices, send):
    send(
        event(id="a", runId="euros", tokens={"input": 1}, cost={"amount": "2.5", "currency": "EUR"}),
        event(id="b", runId="unpriced", model="nobody-knows"),
        event(id="c", runId="free", tokens=None, status="error"),
        call("alice", cost="1", runId="dollars"),
        call("alice", cost="1", runId="both"),
        event(id="d", runId="both", tokens={"input": 1}, cost={"amount": "2.5", "currency": "EUR"}),
    )

    content = page(alices, "/runs/")

    assert {row[0]: row[-1] for row in rows(content)} == {
        "euros": "1 not in dollars",
        "unpriced": "1 unpriced",
        "free": "$0.00",
        "dollars": "$1.00",
        "both": "$1.00 1 not in dollars",
    }
    assert content.count("Some of its calls were paid in another currency: its page says in which") == 2


def test_a_run_took_the_same_in_the_list_and_on_its_page(acme, alices, send):
    send(
        call("alice", runId="r", ago=timedelta(seconds=18), latencyMs=21_100),  # ends after the last call
        call("alice", runId="r", latencyMs=400),
        call("alice", runId="alone", latencyMs=400),
        call("alice", runId="untold"),
    )

    assert {row[0]: row[4] for row in rows(page(alices, "/runs/"))} == {
        "r": "21.1 s", "alone": "400 ms", "untold": DASH,
    }  # fmt: skip
    assert stats(page(alices, "/runs/r/"))["Took"] == "21.1 s"
    assert stats(page(alices, "/runs/alone/"))["Took"] == "400 ms"
    assert "No call told how long it took." in words(page(alices, "/runs/untold/"))
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).delete()
    assert stats(page(alices, "/runs/r/"))["Took"] == "21.1 s"


def test_runs_are_filtered_by_agent_and_customer_and_paged(alices, send):
    send(*(call(f"c{n % 2}", runId=f"r{n:03}", agent=f"a{n % 3}", ago=timedelta(minutes=n // 4)) for n in range(330)))
    path, seen = "/runs/?agent=a1&customer=c1", []
    while path:
        content = page(alices, path)
        seen += [row[0] for row in rows(content)]
        path = f"/runs/?{link(content, 'Next')}" if ">Next<" in content else ""

    assert sorted(seen) == [f"r{n:03}" for n in range(330) if n % 6 == 1]
    assert len(seen) == len(set(seen)) == 55
    assert "No run matches" in page(alices, "/runs/?agent=nobody")
    assert rows(page(alices, "/runs/?after=nonsense")) == rows(page(alices, "/runs/"))


@pytest.mark.parametrize("sort", ["began", "-began"])
def test_runs_are_paged_forth_and_back_in_both_orders(sort, alices, send):
    send(*(call("c", runId=f"r{n:03}", ago=timedelta(minutes=n // 4)) for n in range(120)))
    path, pages = f"/runs/?sort={sort}", []
    while path:
        content = page(alices, path)
        pages.append([row[0] for row in rows(content)])
        path = f"/runs/?{link(content, 'Next')}" if ">Next<" in content else ""

    assert [len(each) for each in pages] == [50, 50, 20]
    assert len({name for each in pages for name in each}) == 120
    assert (pages[0][0] > "r115") == (sort == "began")
    back = page(alices, f"/runs/?{link(content, 'Previous')}")
    assert [row[0] for row in rows(back)] == pages[1]


def test_runs_are_those_that_began_in_the_period(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")  # noon UTC is 17:30 there
    ago = {"now": 0, "evening": 19, "week": 6 * 24, "month": 29 * 24, "old": 31 * 24 - 24}
    send(*(call("c", runId=name, ago=timedelta(hours=hours)) for name, hours in ago.items()))

    def found(query):
        return [row[0] for row in rows(page(alices, f"/runs/?{query}"))]

    assert found("period=24h") == ["now", "evening"]
    assert found("period=today") == ["now"]
    assert found("period=7d&sort=began") == ["week", "evening", "now"]
    assert found("") == ["now", "evening", "week", "month"]
    assert found("from=2026-11-19&to=2026-11-19") == ["evening"]  # 17:00 UTC of the 19th is 22:30 there
    assert "Last 30 days in Asia/Kolkata, chosen by when they began." in words(page(alices, "/runs/"))
    assert "This period cannot be shown" in page(alices, "/runs/?from=2026-11-20&to=2026-11-01", 422)


def test_a_period_without_runs_says_so_and_filters_keep_the_period(alices, send):
    send(call("c", runId="r", ago=timedelta(days=9)))

    content = page(alices, "/runs/?period=7d")
    assert "No run began in this period" in content
    assert "period=30d" in content
    content = page(alices, "/runs/?period=7d&customer=c&sort=began")
    assert "No run matches" in content
    assert 'href="?period=7d&amp;sort=began"' in content
    assert 'name="period" value="7d"' in content


def test_lists_of_runs_are_led_to_in_the_period_of_their_page(alices, send):
    send(call("c", runId="r", agent="planner"))

    assert "/runs/?period=7d&amp;customer=c" in page(alices, "/customers/c/?period=7d")
    assert "/runs/?period=7d" in page(alices, "/agents/?period=7d&sort=name")
    assert "/runs/?period=7d" in page(alices, "/dashboard/measured/?period=7d")


def test_a_later_page_begins_where_the_one_before_ended(acme, alices, send):
    send(*(call("c", runId=f"r{n:03}", ago=timedelta(minutes=n)) for n in range(60)))
    with organization_scope(acme.pk):
        last = runs.page(acme, runs.Asked({})).runs[-1]
        connection.cursor().execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")

        behind = runs.behind("started_at", (last.started_at, last.id), step="lt")
        plan = runs.in_order(
            runs.chosen(acme, runs.Asked({})).filter(behind), "started_at", is_descending=True
        ).explain()

    [condition] = re.findall("Index Cond: (.*)", plan)
    assert "started_at <=" in condition


def test_a_run_is_a_tree_of_its_calls(acme, alices, send):
    send(*stories.run(NOON), call("alice", runId="another", ago=timedelta(hours=2)))

    content = page(alices, reverse("usage:run", args=["run-2026/11"]))

    assert stats(content)["Calls"] == "7"
    assert stats(content)["Errors"] == "1"
    found = [(row[0], row[1]) for row in rows(content)]
    assert [name for name, _ in found] == [
        "gpt-4o-mini",
        "Level 2: web_search gpt-4o",
        "Level 3: browser gpt-4o-mini",
        "Level 3: browser gpt-4o",
        "Level 2: gpt-4o-mini",
        "Level 3: linter gpt-4o",
        "gpt-4o-mini",
    ]
    assert [status for _, status in found] == ["OK", "OK", "OK", "Timeout", "OK", "OK", "OK"]
    assert "with 5 below" in words(content)


def test_a_parent_span_that_begins_before_the_run_is_in_its_tree_and_not_counted(acme, alices, send):
    send(call(None, id="child", parentId="root", runId="r"))
    with organization_scope(acme.pk):
        child = Event.objects.owned_by(acme).get(ref="child")
        root = Event(**{f.attname: getattr(child, f.attname) for f in Event._meta.concrete_fields})
        root.id, root.ref, root.parent, root.is_parent = "0198c0de-0000-7000-8000-00000000000b", "root", None, True
        root.occurred_at -= timedelta(seconds=30)
        root.save(force_insert=True)

    content = page(alices, "/runs/r/")

    assert stats(content)["Calls"] == "1"
    assert len(rows(content)) == 2
    assert "in its children" in words(content)


def test_a_longer_run_shows_its_first_calls_and_says_so(acme, alices, send, monkeypatch):
    monkeypatch.setattr(calls, "MOST_OF_RUN", 5)
    send(*(call(None, runId="long", ago=timedelta(seconds=30 - n)) for n in range(9)))

    assert "5 of 9 calls are shown, the first in time." in words(page(alices, "/runs/long/"))


def test_a_run_whose_calls_are_gone_says_so(acme, alices, send):
    send(call(None, runId="gone"))
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).delete()

    assert "Single calls are kept for" in words(page(alices, "/runs/gone/"))


def test_a_run_of_which_some_calls_are_gone_does_not_say_that_the_first_are_shown(acme, alices, send):
    send(*(call(None, runId="going", id=f"{n}", ago=timedelta(seconds=30 - n)) for n in range(3)))
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).filter(ref="0").delete()

    assert "2 of 3 calls are shown: single calls are kept for 90 days." in words(page(alices, "/runs/going/"))


def test_a_call_is_explained_by_the_rate_of_each_class(acme, alices, send):
    send(
        event(
            id="x",
            tokens={"input": 900, "cacheRead": 100, "output": 45, "reasoning": 5},
            customerId="alice",
            region="eu",
        )
    )
    it = held(acme, ref="x")

    content = page(alices, f"/calls/{it.day}/{it.id}/")

    assert rows(content) == [
        ["Input, not cached", "900", "$0.15", "$0.00014"],
        ["Read from cache", "100", "$0.075", "$0.0000075"],
        ["Output", "45", "$0.60", "$0.000027"],
    ]
    assert 'title="$0.000135"' in content
    assert f"The price book: {it.rate_ref}." in words(content)
    assert "5 tokens of the output are reasoning." in words(content)
    assert "region eu" in words(content)


def test_cached_text_of_a_model_that_hears_has_its_own_rate_in_the_panel(acme, alices, send):
    send(event(id="x", model="gpt-realtime-mini", tokens={"input": 900, "cacheRead": 100, "output": 45}))
    it = held(acme, ref="x")

    content = page(alices, f"/calls/{it.day}/{it.id}/")

    assert it.amount is not None
    assert "It has other rates now" not in content
    assert DASH not in [row[2] for row in rows(content)]


def test_units_tell_whether_their_price_is_in_the_amount(acme, alices, send):
    with organization_scope(acme.pk):
        own_prices.enter(acme, "openai", "", rates={"unit:web_search": Decimal("0.01")}, since=date(2026, 1, 1))
    tracking.forget()
    send(
        event(id="x", units={"web_search": "3", "images": "1"}),
        event(id="y", tokens={}, units={"web_search": "2"}),
        event(id="z", units={"images": "1"}, cost={"amount": "2", "currency": "EUR"}),
    )

    def told(ref):
        it = held(acme, ref=ref)
        return words(page(alices, f"/calls/{it.day}/{it.id}/"))

    assert "In it: 3 of web_search at $0.01 each, $0.03." in told("x")
    assert "Not in it: 1 of images, which has no price here." in told("x")
    assert "No tokens were reported. Cost: $0.02 . In it: 2 of web_search at $0.01 each, $0.02." in told("y")
    assert "Used: 1 of images." in told("z")


@pytest.mark.parametrize(
    ("said", "way"),
    [
        ({"runId": "r", "customerId": "c"}, ["/runs/", "/runs/r/"]),
        ({"customerId": "c", "agent": "a"}, ["/customers/", "/customers/c/"]),
        ({"agent": "a"}, ["/agents/", "/agents/a/"]),
        ({}, ["/usage/measured/"]),
    ],
)
def test_the_page_of_a_call_leads_back_to_where_it_is_listed(said, way, acme, alices, send):
    send(event(id="x", **said))
    it = held(acme, ref="x")

    crumbs = page(alices, f"/calls/{it.day}/{it.id}/").partition('aria-label="Breadcrumb"')[2].partition("</nav>")[0]

    assert re.findall(r'href="([^"]+)"', crumbs) == way


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"cost": {"amount": "2", "currency": "EUR"}}, "The amount came with the call."),
        (
            {"model": "nobody-knows"},
            "No price: the price book does not know this model of this provider. Compare its name",
        ),
        (
            {"model": "gpt-4o", "tokens": {"input": 5, "cacheWrite5m": 3}},
            "No price: this model has no rate for tokens of the class “Written to cache, 5 min”",
        ),
        ({"tokens": {}, "units": {"web_search": "2"}}, "No tokens were reported."),
    ],
)
def test_where_no_rate_made_the_amount_none_is_shown(said, sentence, acme, alices, send):
    send(event(id="x", **said))
    it = held(acme, ref="x")

    content = words(page(alices, f"/calls/{it.day}/{it.id}/"))

    assert sentence in content


def test_a_call_without_a_price_leads_to_where_one_is_set(acme, alices, bob, send):
    send(event(id="x", runId="r", model="gpt-4o", tokens={"input": 5, "cacheWrite5m": 3}), event(id="y"))
    it = held(acme, ref="x")

    content = page(alices, f"/calls/{it.day}/{it.id}/")

    assert '<a href="/settings/prices/">Set a price of your own</a>' in content
    assert "cache_write_5m" not in content + page(alices, "/runs/r/")
    theirs = page(Browser(bob), f"/calls/{it.day}/{it.id}/")
    assert "/settings/prices/" not in theirs
    assert "An owner, an admin or finance can set a price of your own" in theirs
    priced = held(acme, ref="y")
    assert "a price of your own" not in page(alices, f"/calls/{priced.day}/{priced.id}/")


def test_rates_that_have_changed_since_are_not_shown(acme, alices, send):
    send(event(id="x"))
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).update(amount=Decimal("0.5"))
    it = held(acme, ref="x")

    content = page(alices, f"/calls/{it.day}/{it.id}/")

    assert "It has other rates now, so they are not shown by class." in words(content)
    assert [row[2] for row in rows(content)] == [DASH] * 3


def test_a_call_is_a_panel_for_the_script_and_a_page_without_it(acme, alices, send):
    send(event(id="x"))
    it = held(acme, ref="x")
    path = f"/calls/{it.day}/{it.id}/"

    panel = alices.get(path, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in panel
    assert "Tokens by class" in panel
    assert f'href="{path}"' in panel  # to keep it, or to show it to somebody
    assert "<html" in page(alices, path)


@pytest.mark.parametrize("path", ["/runs/nothing/", "/calls/2026-11-20/0198c0de-0000-7000-8000-00000000000a/",
                                  "/calls/tomorrow/0198c0de-0000-7000-8000-00000000000a/", "/calls/0000-00-00/x/"])  # fmt: skip
def test_what_is_not_there_is_not_found(path, alices, send):
    assert alices.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/runs/", "/runs/run-2026%2F11/"])
def test_a_page_of_runs_takes_few_queries(path, alices, send):
    send(*stories.run(NOON), *(call("c", runId=f"r{n}") for n in range(90)))
    page(alices, path)

    with CaptureQueriesContext(connection) as asked:
        page(alices, path)

    questions = [each["sql"] for each in asked if not each["sql"].startswith(NO_QUESTIONS)]
    assert len(questions) <= MOST_QUERIES, questions


def test_a_run_of_another_organization_is_not_there(acme, elsewhere, mallorys, send):
    send(event(id="x", runId="r"))
    it = held(acme, ref="x")

    assert mallorys.get(f"/calls/{it.day}/{it.id}/").status_code == 404
    with organization_scope(elsewhere.pk):
        assert runs.one(elsewhere, "r") is None


def test_a_run_is_found_by_its_id(alices, send):
    send(call("a", runId="run/1 of 2"), call("b", runId="other"))

    assert alices.get("/runs/", {"run": "run/1 of 2"})["Location"] == reverse("usage:run", args=["run/1 of 2"])
    content = page(alices, "/runs/?run=nobody&customer=a")
    assert "No run has this id." in content
    assert [row[0] for row in rows(content)] == ["run/1 of 2"]
    assert 'name="customer" value="a"' in content
