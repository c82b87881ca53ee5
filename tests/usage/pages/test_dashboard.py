"""The dashboard in each of its states: what it shows, what it says about it, and what it leaves out."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import journal
from accounts.journal import Event
from accounts.models import JournalEntry, Organization, User
from tests import make
from tests.conftest import Browser
from tests.usage.accounts_of import MINI, billed, used
from tests.usage.measuring.conftest import event
from tests.usage.pages.accounts_read import NOW, TODAY, anthropic, on, openai, two_settled_days, whole_history
from tokentra.lib.money import DASH
from tokentra.lib.tenancy import organization_scope
from usage.measuring import tracking
from usage.rows import Ledger, Tokens

pytestmark = pytest.mark.django_db


def text(browser: Browser, query: str = "", status: int = 200, path: str = "/dashboard/") -> str:
    """The page's words, without marks and spaces between them."""
    answer = browser.get(f"{path}?{query}")
    assert answer.status_code == status, answer.content
    content = re.sub(r"(?s)<script.*?</script>|<title>.*?</title>", " ", answer.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).split())


def connected(organization: Organization, user: User) -> None:
    with organization_scope(organization.pk):
        journal.record(Event.PROVIDER_CONNECTION_COMPLETED, user, organization, provider="openai")


def events(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        said = JournalEntry.objects.owned_by(organization).exclude(event__regex="^(checklist|feature)_")
        return list(said.order_by("at", "id").values_list("event", flat=True))


def test_with_no_connection_it_teaches_and_offers_sample_data(alices: Browser):
    page = text(alices)

    assert "Your AI spend will be here" in page
    assert "Connect a provider" in page
    assert "Set up a program" in page  # for those who send events instead
    assert "Look around with sample data" in page
    assert "$0.00" not in page


def test_with_a_connection_and_nothing_read_yet_it_shows_how_far_reading_is(
    acme: Organization, alice: User, alices: Browser
):
    connected(acme, alice)

    answer = alices.get("/dashboard/").content.decode()

    assert "Reading your usage" in answer
    assert "Your AI spend will be here" not in answer
    assert 'hx-trigger="every 3s"' in answer


def test_while_a_first_reading_goes_on_figures_fill_from_today_backwards(
    acme: Organization, alice: User, alices: Browser
):
    connected(acme, alice)
    whole_history(openai(acme), on(0), on(6), days=7)

    answer = alices.get("/dashboard/").content.decode()

    assert 'hx-trigger="every 5s"' in answer
    assert "OpenAI is read back to 14 Nov; earlier days are not in these figures." in text(alices)
    assert "$0.50" in answer


def test_p5_days_that_are_not_read_are_named_beside_the_figure(acme: Organization, alices: Browser):
    account = openai(acme)
    account.reads(Ledger.USAGE, on(10), start=TODAY - timedelta(days=29), days=20)
    account.reads(Ledger.USAGE, on(3), start=TODAY - timedelta(days=6), days=7)

    page = text(alices)

    assert "Some figures are partial OpenAI is not read completely for 11 to 13 Nov." in page
    assert "$0.50" in page
    assert "no earlier data" in page


def test_the_data_ready_banner_comes_once_and_goes_when_it_is_closed(acme: Organization, alice: User, bob: User):
    whole_history(openai(acme), on(1), on(2))
    alices, bobs = Browser(alice), Browser(bob)

    assert "Your data is ready Usage from OpenAI since 23 Aug is here, 1 model so far." in text(alices)
    assert "Your data is ready" in text(alices)
    assert "Your data is ready" not in text(bobs)
    assert alices.post("/dashboard/data-ready/").status_code == 302
    assert "Your data is ready" not in text(alices)


def test_first_views_are_noted_once_for_each_person(acme: Organization, alices: Browser, bob: User):
    text(alices)
    assert events(acme) == ["dashboard_first_view"]

    whole_history(openai(acme), on(1))
    text(alices)
    text(Browser(bob))
    text(Browser(bob))

    assert events(acme) == ["dashboard_first_view", "dashboard_data_loaded"] * 2


def test_the_three_figures_stand_with_period_basis_and_rows(acme: Organization, alices: Browser):
    two_settled_days(acme)

    answer = alices.get("/dashboard/?from=2026-11-10&to=2026-11-11").content.decode()
    page = text(alices, "from=2026-11-10&to=2026-11-11")

    assert "Spend Billed : what this means" in page
    assert "$4.00" in page
    assert "Tokens 2,200,000" in page or "Tokens 2.20M" in page
    assert "Requests 107" in page
    assert "10 Nov 2026 to 11 Nov 2026, UTC days · OpenAI bill complete to 11 Nov" in page
    assert 'href="/usage/?from=2026-11-10&amp;to=2026-11-11"' in answer


def test_bill_and_usage_together_are_mixed(acme: Organization, alices: Browser):
    account = two_settled_days(acme)
    account.reads(Ledger.USAGE, on(0), start=TODAY, days=1)

    assert "Spend Mixed" in text(alices)


def test_a_change_is_told_against_the_days_that_are_over(acme: Organization, alices: Browser):
    whole_history(openai(acme), *(on(n) for n in range(1, 30)), *(on(n, requests=2) for n in range(30, 59)))

    page = text(alices)

    # 29 days at $0.25 on both sides; today does not count
    assert "Spend Computed : what this means The provider's usage" in page
    assert "same as the 29 days before, without today" in page
    assert "50% less than the 29 days before, without today" in page  # requests


def test_there_is_no_comparison_with_days_that_were_not_read(acme: Organization, alices: Browser):
    whole_history(openai(acme), *(on(n) for n in range(40)), days=40)

    page = text(alices)

    assert "no earlier data" in page
    assert "more than" not in page


def test_there_is_no_comparison_when_one_account_of_two_was_not_read(acme: Organization, alices: Browser):
    whole_history(openai(acme), *(on(n) for n in range(90)))
    whole_history(anthropic(acme), on(1), days=30)

    page = text(alices)

    assert "no earlier data" in page
    assert "the 29 days before" in text(alices, "provider=openai")


def test_an_account_that_ended_does_not_stop_comparisons_and_is_said_to_have_ended(acme: Organization, alices: Browser):
    whole_history(openai(acme), *(on(n) for n in range(90)))
    gone, ended_at = anthropic(acme), NOW - timedelta(days=10)
    start = ended_at.date() - timedelta(days=89)
    gone.reads(Ledger.USAGE, used(MINI, day=TODAY - timedelta(days=12)), start=start, days=90, now=ended_at)
    held_back = text(alices)

    gone.ends(ended_at)

    page = text(alices)
    assert "the 19 days before, without 10 Nov to today" in held_back  # as far as the account that nobody reads
    assert "the 29 days before, without today" in page
    assert "is not read completely" not in page
    assert "disconnected" not in held_back
    assert "disconnected 10 Nov" in page
    gone.goes_on()
    assert "the 29 days before" not in text(alices)


def test_days_that_an_ended_account_had_missed_before_its_end_stay_missing(acme: Organization, alices: Browser):
    whole_history(openai(acme), *(on(n) for n in range(90)))
    gone, ended_at = anthropic(acme), NOW - timedelta(days=10)
    for days_ago in (20, 12):
        gone.reads(Ledger.USAGE, start=TODAY - timedelta(days=days_ago), days=1, now=ended_at)

    gone.ends(ended_at)

    assert "Anthropic is not read completely for 1 to 7 Nov and 9 Nov" in text(alices)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("period=7d", "the 6 days before, without today"),
        ("period=month", "1 Oct to 19 Oct, without today"),
        ("period=today", "the same whole hours a day earlier"),
        ("period=24h", "the same whole hours a day earlier"),
        ("period=last_month", "September"),
        ("from=2026-11-18&to=2026-11-18", "the day before"),
    ],
)
def test_each_period_is_compared_with_its_equal(acme: Organization, alices: Browser, query: str, words: str):
    account = openai(acme)
    rows = [on(n, hour=hour) for n in range(100) for hour in (9, 15)]
    whole_history(account, *rows, days=100)

    page = text(alices, query)
    assert re.search(rf"(than|same as) {words} See the rows", page), page


@pytest.mark.parametrize("query", ["period=24h", "period=7d"])
@pytest.mark.parametrize("used", [{"cost": {"amount": "50"}}, {"model": "nobody-knows", "tokens": {"input": 9_000}}])
def test_what_is_measured_is_compared_once_it_was_measured_all_the_time(
    acme: Organization, alices: Browser, query: str, used: dict[str, Any]
):
    whole_history(openai(acme), *(on(n, hour=hour) for n in range(30) for hour in (9, 15)), days=30)

    def measured(*days: int) -> None:
        tracking.forget()
        said = {"provider": "mistral", "model": "mistral-large"} | used
        hour = NOW - timedelta(hours=3)
        events = [event(id=f"{n}", occurredAt=f"{hour - timedelta(days=n):%FT%TZ}", **said) for n in days]
        assert tracking.track(acme.pk, events, key_id=None, now=NOW).accepted == len(days)

    def is_compared() -> bool:
        return bool(re.search(r"(than|same as) the (same whole hours|6 days before)", text(alices, query)))

    measured(0, 1)
    assert not is_compared()

    measured(*range(2, 20))
    assert is_compared()


def test_a_month_that_was_read_in_part_is_compared_with_as_many_days(acme: Organization, alices: Browser):
    rows, start = [on(n) for n in range(31, 99)], TODAY - timedelta(days=99)
    openai(acme).reads(Ledger.USAGE, *rows, start=start, days=70, now=NOW - timedelta(days=31))

    page = text(alices, "period=last_month")

    assert "same as the 19 days before, without 20 Oct to 31 Oct" in page


@pytest.mark.parametrize("query", ["period=7d", "provider=mistral&period=7d", "provider=mistral&period=24h"])
def test_a_provider_that_programs_alone_report_is_compared_by_what_they_reported(
    acme: Organization, alices: Browser, query: str
):
    whole_history(openai(acme), *(on(n) for n in range(10)), days=10)
    days = (NOW - timedelta(hours=3, days=n) for n in range(20))
    events = [event(id=f"{at}", occurredAt=at.isoformat(), provider="mistral", cost={"amount": "1"}) for at in days]
    tracking.forget()
    assert tracking.track(acme.pk, events, key_id=None, now=NOW).accepted == 20

    page = text(alices, query)

    if "provider" in query:
        assert "same as the" in page
    else:
        assert "no earlier data" in page  # of OpenAI


BEFORE = f"from={TODAY - timedelta(days=60)}&to={TODAY - timedelta(days=41)}"


@pytest.mark.parametrize("begins", ["by an account", "by events"])
@pytest.mark.parametrize("query", [BEFORE, f"{BEFORE}&provider=openai"])
def test_of_days_before_anything_is_known_nothing_is_said_to_be_zero(
    acme: Organization, alices: Browser, begins: str, query: str
):
    at = NOW - timedelta(days=40 if begins == "by an account" else 20)
    if begins == "by an account":
        whole_history(openai(acme), *(on(n) for n in range(40)), days=41)
    else:
        tracking.forget()
        assert tracking.track(acme.pk, [event(occurredAt=at.isoformat())], key_id=None, now=NOW).accepted == 1

    page = text(alices, query)

    known = f"nothing is known before {at.day} {at:%b %Y}"
    assert page.count(known) == 3
    assert page.count(f"N{known[1:]}.") == 3  # of the trend and each ranking
    assert "$0.00" not in page
    assert f"Spend {DASH}" in page


def test_of_days_since_then_nothing_is_zero(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1), days=60)

    page = text(alices, f"from={TODAY - timedelta(days=50)}&to={TODAY - timedelta(days=41)}")

    assert "nothing is known before" not in page
    assert "Spend $0.00" in page


UNTOLD = {"tokens": None, "usageSource": "missing", "status": "timeout"}


@pytest.mark.parametrize("used", [UNTOLD, {"tokens": {"input": 5}}])
def test_calls_without_a_price_are_compared_with_no_days_before_programs_reported(
    acme: Organization, alices: Browser, used: dict[str, Any]
):
    whole_history(openai(acme), *(on(n) for n in range(60)), days=60)
    said = {"provider": "pinecone", "model": "nobody-knows"} | used
    tracking.forget()
    hour = NOW - timedelta(hours=3)
    assert tracking.track(acme.pk, [event(occurredAt=hour.isoformat(), **said)], key_id=None, now=NOW).accepted == 1

    page = text(alices)

    assert "no earlier data" in page
    assert "than the" not in page


def test_unknown_requests_are_a_dash_with_the_reason(acme: Organization, alices: Browser):
    whole_history(anthropic(acme), on(1, requests=None))

    assert f"Requests {DASH} Anthropic does not report how many requests there were." in " ".join(
        text(alices).replace("See the rows", "").split()
    ).replace("no earlier data ", "")


def test_partly_unknown_requests_say_whose(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1, requests=12))
    whole_history(anthropic(acme), on(1, requests=None))

    page = text(alices)

    assert "Requests 12" in page
    assert "Without Anthropic, which does not report requests." in page


def test_b62_unpriced_tokens_are_told_and_named(acme: Organization, alices: Browser):
    few = on(1, model="gpt-4o", tokens=Tokens(input=1, cache_write_5m=1))
    whole_history(openai(acme), on(1, model="model-without-a-rate"), few, on(1, model=MINI))

    page = text(alices)

    assert "1.00M tokens of model-without-a-rate and gpt-4o have no price" in page
    assert "the price book does not know the model, or has no rate for a kind of token" in page
    assert "Set a price of your own" in page
    [asked] = re.findall(r'href="/usage/\?([^"]+)"\s+title="1,000,002">', alices.get("/dashboard/").content.decode())
    table = text(alices, unescape(asked), path="/usage/")
    assert "unpriced: 1.00M tokens" in table
    assert "unpriced: 2 tokens" in table
    assert "Total of 2 rows" in table
    assert MINI not in table.partition("Total of")[2]


def test_other_currencies_have_a_line_of_their_own(acme: Organization, alices: Browser):
    account = two_settled_days(acme)
    account.reads(
        Ledger.BILLED,
        billed("7.5", currency="EUR", day=two_weeks()),
        billed("1.5", day=two_weeks()),
        start=two_weeks(),
        days=1,
    )

    page = text(alices)

    assert "Not in dollars, and not in the figures above: 7.50 EUR" in page


def two_weeks():
    return TODAY - timedelta(days=14)


def test_unbilled_days_are_marked_and_today_is_partial(acme: Organization, alices: Browser):
    account = two_settled_days(acme)
    whole_history(account, on(0), on(1))

    answer = alices.get("/dashboard/").content.decode()
    drawn = re.search(r'<script id="spend" type="application/json">(.*?)</script>', answer)

    assert drawn
    states = json.loads(drawn[1])["states"]
    assert states[-2:] == ["unsettled", "partial"]
    assert states[-11:-9] == ["", ""]  # the 10th and 11th, billed long ago
    assert "Not settled yet" in answer


def test_a_day_is_drawn_by_hours_of_usage(acme: Organization, alices: Browser):
    two_settled_days(acme)

    page = text(alices, "from=2026-11-10&to=2026-11-10")

    assert "Spend by hour" in page
    assert "A bill has days and no hours, so the total above differs." in page


def test_more_than_six_models_become_other(acme: Organization, alices: Browser):
    rows = [on(1, model=model) for model in MODELS]
    whole_history(openai(acme), *rows)

    assert "Other (3)" in text(alices)


MODELS = (
    "gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5", "gpt-5-mini", "gpt-5-nano", "o3",
)  # fmt: skip


def test_a_filter_is_a_chip_that_can_be_taken_off(acme: Organization, alices: Browser):
    account = two_settled_days(acme)
    assert account.provider == "openai"

    answer = alices.get("/dashboard/?from=2026-11-10&to=2026-11-11&project=proj_a&provider=openai").content.decode()

    assert "Project: Support" in answer
    assert "$0.65" in answer
    chip = 'href="?from=2026-11-10&amp;to=2026-11-11&amp;provider=openai" title="Project: Support"'
    assert chip in " ".join(answer.split())


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=2026-11-12&to=2026-11-10", "The last day is before the first one."),
        ("from=2026-11-12", "Choose the last day."),
        ("from=soon&to=2026-11-10", "Write the first day as 2026-01-31."),
        ("from=2016-01-01&to=2026-11-10", "Choose a range of at most three years."),
        ("from=0001-01-01&to=9999-12-31", "Choose days between 2015 and 2100."),
        ("period=fortnight", "Choose one of the periods, or give a start and an end."),
    ],
)
def test_a_range_that_cannot_be_shown_is_told_and_kept(acme: Organization, alices: Browser, query: str, sentence: str):
    two_settled_days(acme)

    assert sentence in text(alices, query, 422)
    if "from=2026-11-12" in query:
        assert 'value="2026-11-12"' in alices.get(f"/dashboard/?{query}").content.decode()


NO_QUESTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET LOCAL")


def test_it_takes_at_most_thirteen_queries(acme: Organization, alices: Browser, subtests: pytest.Subtests):
    make.story(acme, NOW)
    alices.get("/dashboard/")

    for query in ("", "period=90d&stack=provider", "period=today", "project=proj_support"):
        with subtests.test(query), CaptureQueriesContext(connection) as captured:
            alices.get(f"/dashboard/?{query}")

            asked = [each["sql"] for each in captured if not each["sql"].startswith(NO_QUESTIONS)]
            assert len(asked) <= 13, asked


@pytest.mark.parametrize("path", ["/dashboard/", "/usage/"])
def test_what_filters_offer_is_read_when_they_are_opened_with_or_without_the_script(
    acme: Organization, alices: Browser, path: str
):
    two_settled_days(acme)
    days = "from=2026-11-10&to=2026-11-11"
    page = alices.get(f"{path}?{days}&provider=openai").content.decode()
    link = re.search(r'<a href="([^"]+)">Choose filters</a>', page)
    assert link
    assert "<select" not in page

    whole = alices.get(f"{path}{unescape(link[1])}").content.decode()
    fragment = alices.get(
        f"{path}{unescape(link[1])}", headers={"HX-Request": "true", "HX-Target": "filters"}
    ).content.decode()

    assert f'hx-get="{link[1]}"' in page
    for answer in (whole, fragment):
        assert '<option value="openai" selected>OpenAI</option>' in answer
        assert '<option value="proj_a">Support</option>' in answer
        assert f'<option value="{MINI}">{MINI}</option>' in answer
        assert '<input type="hidden" name="from" value="2026-11-10">' in answer
    assert "data-dismiss open" in " ".join(whole.split())
    assert fragment.strip().startswith("<form")
    assert fragment.strip().endswith("</form>")


def test_it_says_the_same_as_the_api(acme: Organization, alices: Browser):
    from tokentra.lib.money import exact_dollars

    make.story(acme, NOW)
    totals = alices.get("/api/usage/stats?from=2026-10-22&to=2026-11-21").json()["totals"]

    assert exact_dollars(totals["cost"]) in alices.get("/dashboard/").content.decode()


def test_strangers_are_sent_to_the_login_page(db: None):
    answer = Browser().get("/dashboard/")

    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/dashboard/")


def test_a_corner_of_a_page_shows_no_login_page_once_the_session_has_ended(db: None):
    answer = Browser().get("/dashboard/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.content) == (401, b"")


def test_mallory_sees_nothing_of_acme(acme: Organization, mallorys: Browser):
    two_settled_days(acme)

    assert "Your AI spend will be here" in text(mallorys)


def test_closing_the_banner_needs_the_token_of_the_form(acme: Organization, alice: User):
    strict = Browser(alice, enforce_csrf_checks=True)

    assert strict.post("/dashboard/data-ready/").status_code == 403


def test_a_token_total_is_never_mixed_with_the_bill(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(5, tokens=Tokens(input=10, cache_read=5, output=3)))

    assert "Tokens 18" in text(alices)


def test_hours_with_a_filter_that_has_none_are_refused_in_words(acme: Organization, alices: Browser):
    two_settled_days(acme)

    assert "Hours are kept by provider and model." in text(alices, "period=24h&project=proj_a", 422)
    assert "Spend by day" in text(alices, "period=today&project=proj_a")
