"""Runs by what they cost: sorted where they are few, read in the order of an index where they are many."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.usage.measuring.conftest import event
from tests.usage.pages.test_explorer import link, rows
from tests.usage.spenders.conftest import in_zone
from tests.usage.spenders.test_api import ask
from tests.usage.spenders.test_customers import MOST_QUERIES, NO_QUESTIONS, call, page
from tests.usage.spenders.test_files import columns, read
from tokentra.lib.tenancy import organization_scope
from usage.measured import Run
from usage.spenders import runs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("few_or_many")]
HOUR = timedelta(hours=1)


@pytest.fixture(params=[runs.FEW, 0], ids=["few", "many"])
def few_or_many(request, monkeypatch):
    monkeypatch.setattr(runs, "FEW", request.param)


def names(content):
    return [row[0] for row in rows(content)]


def listed(acme, asked, size=7):
    """All pages forth, and all of them back from the last one."""
    with organization_scope(acme.pk):
        forth = [runs.page(acme, asked, size=size)]
        while forth[-1].after:
            forth.append(runs.page(acme, asked, after=forth[-1].after, size=size))
        back = [forth[-1]]
        while back[-1].before:
            back.append(runs.page(acme, asked, before=back[-1].before, size=size))
    return [[run.run for each in pages for run in each.runs] for pages in (forth, back[::-1])]


def in_order(acme, sort, **of):
    with organization_scope(acme.pk):
        found = sorted(Run.objects.owned_by(acme).filter(**of), key=lambda run: (run.amount, run.id))
    return [run.run for run in (found[::-1] if sort == "-cost" else found)]


@pytest.fixture
def forty(send):
    """Over twelve UTC days, of which two are empty; each cost is that of ten."""
    costs = ("0", "0.000000000001", "1.5", "20")
    at = [n * 7 * HOUR + (n > 20) * timedelta(days=2) for n in range(40)]
    send(
        *(
            call(f"c{n % 3}", cost=costs[n % 4], runId=f"r{n:02}", agent=f"a{n % 2}", ago=ago)
            for n, ago in enumerate(at)
        )
    )


@pytest.mark.parametrize("sort", ["cost", "-cost"])
@pytest.mark.parametrize("of", [{}, {"agent": "a1"}, {"customer": "c2", "agent": "a0"}, {"agent": "nobody"}])
def test_pages_forth_and_back_hold_each_run_once_in_order(of, sort, acme, forty):
    expected = in_order(acme, sort, **of)

    for size in (1, 3, 7, 100):
        assert listed(acme, runs.Asked(of, None, sort), size) == [expected, expected]
    with organization_scope(acme.pk):
        assert [run.run for run in runs.every(acme, runs.Asked(of, None, sort))] == expected
    assert len(expected) == {0: 40, 1: 0 if "nobody" in of.values() else 20, 2: 7}[len(of)]


def test_one_day_may_hold_all_the_dearest(acme, send):
    send(*(call("c", cost=f"{n}", runId=f"dear{n}") for n in range(10, 20)))
    send(*(call("c", cost="1", runId=f"r{n}", ago=n * 24 * HOUR) for n in range(1, 12)))

    assert listed(acme, runs.Asked({}, None, "-cost"), 5) == [in_order(acme, "-cost")] * 2


def test_a_span_may_begin_and_end_within_a_utc_day(acme, alices, send):
    in_zone(acme, "Asia/Kolkata")  # its day begins at 18:30 UTC
    moments = {"before": "17T18:29:59", "first": "17T18:30:00", "last": "18T18:29:59", "after": "18T18:30:00"}
    for cost, (name, at) in zip("9128", moments.items(), strict=True):
        send(event(id=name, runId=name, occurredAt=f"2026-11-{at}Z", cost={"amount": cost}))

    assert names(page(alices, "/runs/?from=2026-11-18&to=2026-11-18&sort=-cost")) == ["last", "first"]
    asked = "from=2026-11-18&to=2026-11-19&sort=cost"
    assert [run["run"] for run in ask(alices, f"/api/runs?{asked}")["items"]] == ["first", "last"]
    assert names(page(alices, "/runs/?sort=-cost")) == ["before", "after", "last", "first"]
    assert "No run began in this period" in page(alices, "/runs/?from=2026-11-20&to=2026-11-20&sort=-cost")


def test_the_plan_says_how_far_back_the_dearest_are_looked_for(acme, send, settings):
    settings.PLANS_ENFORCED = True
    send(call(cost="9", runId="old", ago=timedelta(days=7)), call(cost="1", runId="new", ago=timedelta(days=6)))
    with organization_scope(acme.pk):
        acme.plan = "free"
        acme.trial_ends_at = None
        acme.save(update_fields=["plan", "trial_ends_at"])

    assert listed(acme, runs.Asked({}, None, "-cost")) == [["new"]] * 2


def test_what_is_not_known_counts_as_nothing(alices, send):
    send(
        event(id="a", runId="euros", tokens={"input": 1}, cost={"amount": "2.5", "currency": "EUR"}),
        event(id="b", runId="unpriced", model="nobody-knows"),
        event(id="c", runId="free", tokens=None, status="error"),
        call("c", cost="0.000000000001", runId="hardly anything"),
        call("c", cost="1", runId="both"),
        event(id="d", runId="both", tokens={"input": 1}, cost={"amount": "2.5", "currency": "EUR"}),
    )

    found = names(page(alices, "/runs/?sort=-cost"))

    assert found[:2] == ["both", "hardly anything"]
    assert sorted(found[2:]) == ["euros", "free", "unpriced"]
    assert names(page(alices, "/runs/?sort=cost")) == found[::-1]


def test_a_cursor_is_of_one_order_and_filter(alices, forty):
    cursor = ask(alices, "/api/runs?sort=-cost&limit=2")["nextCursor"]

    assert len(ask(alices, f"/api/runs?sort=-cost&cursor={cursor}")["items"]) == 38
    for other in ("sort=cost", "sort=-began", "sort=-cost&filter[agent]=a1"):
        assert [*ask(alices, f"/api/runs?{other}&cursor={cursor}", 422)["error"]["fields"]] == ["cursor"]
    assert names(page(alices, f"/runs/?sort=cost&after={cursor}")) == names(page(alices, "/runs/?sort=cost"))


def test_an_order_that_there_is_not_is_refused_with_those_that_there_are(alices):
    said = ask(alices, "/api/runs?sort=-calls", 422)["error"]["fields"]

    assert said == {"sort": ["Sort by one of began, -began, cost, -cost."]}


def test_the_page_leads_from_the_dearest_to_the_cheapest_and_its_file_follows(acme, alices, forty):
    dearest = page(alices, f"/runs/?{link(page(alices, '/runs/'), 'Cost')}")
    cheapest = page(alices, f"/runs/?{link(dearest, 'Cost')}")

    assert [names(dearest), names(cheapest)] == [in_order(acme, sort) for sort in ("-cost", "cost")]
    assert [content.count('aria-sort="') for content in (dearest, cheapest)] == [1, 1]
    assert ('class="num" aria-sort="descending"' in dearest, 'class="num" aria-sort="ascending"' in cheapest) == (
        True,
        True,
    )
    found, last = read(alices, f"/runs.csv?{link(dearest, 'Export CSV').partition('?')[2]}")
    assert [run for (run,) in columns(found, "run")] == names(dearest)
    assert last == "# rows: 40"


def test_a_page_takes_few_queries(alices, forty):
    path = "/runs/?sort=-cost&agent=a1"
    page(alices, path)

    with CaptureQueriesContext(connection) as asked:
        page(alices, path)

    questions = [each["sql"] for each in asked if not each["sql"].startswith(NO_QUESTIONS)]
    assert len(questions) <= MOST_QUERIES, questions


@pytest.mark.parametrize("few_or_many", [0], indirect=True)
@pytest.mark.parametrize("of", [{}, {"agent": "a1"}])
def test_each_day_is_read_from_one_place_in_the_order_to_another(of, acme, forty):
    wanted = runs.Asked(of, None, "-cost")
    with organization_scope(acme.pk), connection.cursor() as cursor:
        after = runs.page(acme, wanted, size=3).after
        with CaptureQueriesContext(connection) as asked:
            runs.page(acme, wanted, after=after, size=3)
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = [line for (line,) in cursor.fetchall()]

    reads = [line for line in plan if "Scan" in line and "on usage_run" in line]
    conditions = [line for line in plan if "Index Cond" in line]
    assert ["Index Scan Backward using runs_by_cost" in line for line in reads] == [True, True], plan
    assert ["(day = asked" in line for line in conditions] == [True, True], plan
    assert [line.count("ROW(cost_order, id)") for line in conditions] == [1, 2], plan
