"""The summary: two months side by side, what changed most, each figure with the way to its rows."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.conftest import Browser
from tests.usage.accounts_of import FULL, MINI
from tests.usage.pages.accounts_read import NOW, on, openai, whole_history
from tokentra.lib.tenancy import organization_scope
from usage import ending
from usage.rows import Ledger, Tokens
from usage.summary import Summary


def a_month_that_grew(organization):
    """Days 3 and 33 ago use the large model, days 4 and 34 the small one: the large one doubled, the small one stayed."""
    million = Tokens(input=1_000_000)
    whole_history(
        openai(organization),
        on(3, model=FULL, tokens=Tokens(input=2_000_000)), on(34, model=FULL, tokens=million),
        on(4, model=MINI, tokens=million), on(35, model=MINI, tokens=million),
    )  # fmt: skip


def test_what_changed_most_is_the_difference_of_two_equal_stretches(acme):
    a_month_that_grew(acme)

    with organization_scope(acme.pk):
        summary = Summary(acme, NOW)
        [moved] = summary.changes
        month = summary.month.compared

    assert moved.model == FULL
    assert (moved.ratio, moved.now) == (Decimal(1), moved.before * 2)
    assert month[0].cost - month[1].cost == moved.difference


def test_an_account_that_ended_does_not_keep_months_from_being_compared(acme):
    a_month_that_grew(acme)
    gone = openai(acme)
    gone.reads(Ledger.USAGE, start=date(2026, 9, 1), days=45, now=datetime(2026, 10, 15, 12, tzinfo=UTC))

    with organization_scope(acme.pk):
        held_back = Summary(acme, NOW).changes
        ending.end(acme.pk, gone.connection_id, at=NOW)
        [moved] = Summary(acme, NOW).changes

    assert held_back == []
    assert (moved.model, moved.ratio) == (FULL, Decimal(1))


def test_the_page_shows_both_months_and_leads_to_the_rows(acme, alices):
    a_month_that_grew(acme)

    page = alices.get("/dashboard/summary/").content.decode()

    assert "This month so far" in page
    assert "October 2026" in page
    assert f"from=2026-11-01&amp;to=2026-11-19&amp;provider=openai&amp;model={FULL}" in page


def test_without_data_it_teaches(alices):
    assert "Connect a provider" in alices.get("/dashboard/summary/").content.decode()


def test_it_takes_a_bounded_number_of_queries(acme, alices, django_assert_max_num_queries):
    a_month_that_grew(acme)
    alices.get("/dashboard/summary/")

    with django_assert_max_num_queries(30):
        alices.get("/dashboard/summary/")


def test_b13_mallory_sees_nothing_of_acme(acme, elsewhere, mallory):
    a_month_that_grew(acme)

    assert FULL not in Browser(mallory).get("/dashboard/summary/").content.decode()
