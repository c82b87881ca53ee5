"""The corner that pages ask for: the launcher, and at most one thing that asks for attention, in its order."""

import re
from contextlib import suppress
from html import unescape

import pytest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils import timezone

from accounts import journal
from accounts.journal import Event
from accounts.models import User
from onboarding.guidance import attention, tips, tours
from onboarding.guidance.attention import Kind
from onboarding.guidance.corner import BUSY
from onboarding.models import Journey, Seen
from tests import make
from tests.conftest import Browser
from tests.onboarding.guidance.conftest import lines, seen
from tests.onboarding.guidance.test_guidance_api import TOUR, happened, tell
from tests.usage.pages.accounts_read import NOW, on, openai, two_settled_days, whole_history
from tokentra.lib.tenancy import organization_scope
from usage.measuring import tracking
from usage.rows import Tokens

DASHBOARD = "usage:dashboard"
ALL = ("basic_dashboard", "provider_insights", "cost_attribution", "optimization_engine")


def corner(browser, view=DASHBOARD):
    answer = browser.get(f"/onboarding/guide/?view={view}")
    assert answer.status_code in {200, 204}, answer.content
    return " ".join(unescape(answer.content.decode()).split())


def celebrate_all(browser, *features):
    for feature in features or ALL:
        browser.post(
            "/api/onboarding/events",
            {"eventName": "feature_unlock_celebrated", "eventData": {"featureId": feature}},
            content_type="application/json",
        )


def asks(html):
    found = {"feature-celebration": "celebration", "product-tour": "tour", "page-tip": "tooltip"}
    return [kind for tag, kind in found.items() if f"<{tag}" in html]


# One at a time


def test_attention_has_one_order_and_later_kinds_are_not_even_asked():
    assert [str(kind) for kind in attention.ORDER] == [
        "error", "wanted_tour", "data_ready", "celebration", "tour", "tooltip",
    ]  # fmt: skip
    asked = []
    candidates = {kind: lambda kind=kind: asked.append(kind) or kind == Kind.TOUR for kind in reversed(attention.ORDER)}

    assert attention.first(candidates) == (Kind.TOUR, True)
    assert asked == [Kind.ERROR, Kind.WANTED_TOUR, Kind.DATA_READY, Kind.CELEBRATION, Kind.TOUR]
    assert attention.first({}) is None


@pytest.mark.parametrize("view", sorted(BUSY))
def test_nothing_lies_over_a_page_on_which_somebody_is_in_the_middle_of_something(view, acme, alices):
    assert view in {match.view_name for match in map(resolve, paths_of(view))}, "such a page is there"

    assert corner(alices, view) == ""
    assert asks(corner(alices)) == ["celebration"], "it waits for the next page"


def paths_of(view: str) -> list[str]:
    pk = "0192a9b6-0000-7000-8000-000000000000"
    for told in ({}, {"provider": "openai"}, {"pk": pk}, {"key_id": pk}, {"member_id": pk}):
        with suppress(NoReverseMatch):
            return [reverse(view, kwargs=told)]
    return []


def test_celebration_then_tour_then_tips_each_by_itself(acme, alice, alices):
    two_settled_days(acme)
    order = []
    for _ in range(8):
        html = corner(alices)
        (kind,) = asks(html) or ("nothing",)
        order.append(kind)
        if kind == "celebration":
            celebrate_all(alices)
        elif kind == "tour":
            tell(alices, "tour_skipped", TOUR)
        elif kind == "tooltip":
            order[-1] = re.search(r'page-tip .*?data-id="(\w+)"', html)[1]
            tell(alices, "tooltip_dismissed", {"tooltipId": order[-1]})

    assert order == ["celebration", "tour", "date_range_tip", "export_tip", "optimization_available", *["nothing"] * 3]


def test_what_a_page_shows_by_itself_is_marked(acme, alice, alices):
    happened(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)
    two_settled_days(acme)

    ready, wrong = alices.get("/dashboard/"), alices.get("/dashboard/?from=nonsense")

    assert 'data-attention="data_ready"' in ready.content.decode()
    assert 'data-attention="error"' in wrong.content.decode()
    assert "Data ready" not in attention.ON_THE_PAGE
    assert [str(kind) for kind in attention.ON_THE_PAGE] == ["error", "data_ready"]


# Celebrations


def test_all_new_unlocks_are_one_message_with_their_next_steps(acme, alice, alices):
    happened(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)

    html = corner(alices)

    assert html.count("<dialog") == 1
    assert "Your dashboard is ready!" in html
    assert "Provider connected!" in html
    assert f'href="{reverse("usage:explorer")}"' in html
    assert "Connect a provider to see your data" not in html
    celebrate_all(alices, "basic_dashboard", "provider_insights")
    assert asks(corner(alices)) == []


def test_whose_code_has_reported_calls_is_not_told_to_connect_a_provider_to_see_them(acme, alice, alices):
    happened(Event.SDK_FIRST_REQUEST, alice, acme)

    html = corner(alices)

    assert "There is spend to attribute!" in html
    assert "Connect a provider to see your data" not in html


def test_a_colleague_celebrates_for_themselves(acme, alice, bob, alices, bobs):
    celebrate_all(alices, "basic_dashboard")
    happened(Event.PROVIDER_CONNECTION_COMPLETED, alice, acme)
    celebrate_all(alices, "provider_insights")

    assert asks(corner(alices)) == []
    assert "Provider connected!" in corner(bobs)


# Tours


def test_no_tour_before_there_are_figures_and_none_on_another_page(acme, alices):
    celebrate_all(alices, "basic_dashboard")
    assert "product-tour" not in corner(alices)

    two_settled_days(acme)
    celebrate_all(alices)
    assert "product-tour" in corner(alices)
    assert "product-tour" not in corner(alices, "usage:explorer")


@pytest.mark.parametrize(
    ("path", "starts"),
    [("guided_tour", True), ("quick_connect", False), ("sdk_first", False), ("sales_assisted", False)],
)
def test_a_guided_path_starts_the_tour_and_others_are_offered_it(path, starts, acme, alice, alices):
    two_settled_days(acme)
    celebrate_all(alices)
    alices.get("/onboarding/company/")
    with organization_scope(acme.pk):
        Journey.objects.filter(organization=acme, user=alice).update(path=path)

    html = corner(alices)

    assert ("data-starts" in html) is starts
    assert ("Show me around" in html) is not starts


def test_a_tour_that_was_interrupted_is_offered_not_started(acme, alice, alices):
    two_settled_days(acme)
    celebrate_all(alices)
    alices.get("/onboarding/company/")
    with organization_scope(acme.pk):
        Journey.objects.filter(organization=acme, user=alice).update(path="guided_tour")
    tell(alices, "tour_started", TOUR)

    assert "Show me around" in corner(alices)


def test_a_tour_taken_again_starts_and_leaves_a_second_run_in_the_journal(acme, alice, alices):
    two_settled_days(acme)
    celebrate_all(alices)
    for event in ("tour_started", "tour_completed"):
        tell(alices, event, TOUR)
    assert "product-tour" not in corner(alices)

    assert alices.post("/help/tours/dashboard_intro/").url == "/dashboard/"
    assert "data-starts" in corner(alices)
    tell(alices, "tour_started", TOUR)
    assert len(lines(acme, "tour_started")) == 2
    assert alices.post("/help/tours/nowhere/").status_code == 404


def test_a_tour_that_was_asked_for_comes_before_what_nobody_asked_for(acme, alice, alices):
    two_settled_days(acme)
    assert asks(corner(alices)) == ["celebration"]

    alices.post("/help/tours/dashboard_intro/")

    assert "data-wanted" in corner(alices)
    tell(alices, "tour_started", TOUR)
    assert asks(corner(alices)) == ["celebration"]


def test_a_tour_of_the_sample_is_not_offered_again_at_home(acme, alice, alices):
    two_settled_days(acme)
    celebrate_all(alices)
    sample = make.organization("Sample", owner=alice, is_sample=True)
    two_settled_days(sample)
    alices.post(f"/organizations/{sample.pk}/enter/")
    assert "product-tour" in corner(alices)
    tell(alices, "tour_skipped", TOUR)

    alices.post(f"/organizations/{acme.pk}/enter/")
    assert "product-tour" not in corner(alices)


# Tips


def test_the_export_tip_waits_for_the_third_look(acme, alice, alices):
    two_settled_days(acme)
    celebrate_all(alices)
    tell(alices, "tour_skipped", TOUR)
    tell(alices, "tooltip_dismissed", {"tooltipId": "date_range_tip"})

    assert ["export_tip" in corner(alices) for _ in range(4)] == [False, False, True, True]
    with organization_scope(acme.pk):
        assert Seen.objects.get(organization=acme, user=alice, kind="page").times == 3


def test_a_tip_says_how_many_savings_there_really_are_or_nothing(acme, alice, alices):
    whole_history(openai(acme), on(1))
    celebrate_all(alices)
    tell(alices, "tour_skipped", TOUR)
    for tip in ("date_range_tip", "export_tip"):
        tell(alices, "tooltip_dismissed", {"tooltipId": tip})
    assert asks(corner(alices)) == []


def test_found_savings_are_counted_and_seeing_them_ends_the_tip(acme, alice, alices):
    tokens = Tokens(input=300_000, output=60_000)
    whole_history(openai(acme), *(on(n, model="gpt-4o", tokens=tokens, requests=1_000) for n in range(1, 21)))
    celebrate_all(alices)
    tell(alices, "tour_skipped", TOUR)
    for tip in ("date_range_tip", "export_tip"):
        tell(alices, "tooltip_dismissed", {"tooltipId": tip})
    shown = alices.get("/dashboard/insight/").content.decode()
    assert "Could save" in shown

    found = re.search(r"We found (\d+ ways|a way) to reduce your AI costs", corner(alices))

    assert found
    page = alices.get("/optimization/").content.decode()
    assert page.count("Could save <strong>") or page.count("suggestion")
    assert asks(corner(alices)) == []


def test_the_tip_about_spend_of_nobody_stays_until_somebody_here_made_a_rule(acme, alices, bobs):
    two_settled_days(acme)
    celebrate_all(alices)
    celebrate_all(bobs)
    assert 'data-tour="unallocated"' in alices.get("/attribution/").content.decode()
    tip = corner(alices, "usage:attribution")
    assert (asks(tip), "allocate_spend_tip" in tip) == (["tooltip"], True)
    assert "Owners, admins and finance name a cost centre" in tip

    tell(alices, "tooltip_dismissed", {"tooltipId": "allocate_spend_tip"})
    assert asks(corner(alices, "usage:attribution")) == []
    assert asks(corner(bobs, "usage:attribution")) == ["tooltip"]
    alices.post("/attribution/rules/", {"dimension": "project", "value": "proj_a", "cost_center": "Care"})
    assert asks(corner(bobs, "usage:attribution")) == []


def test_without_spend_there_is_no_attribution_tip(acme, alices):
    celebrate_all(alices)

    assert asks(corner(alices, "usage:attribution")) == []


def test_every_tip_and_tour_stands_on_pages_that_are_there():
    for tip in tips.TIPS:
        assert all(reverse(view) for view in tip.views)
        assert not tip.link or reverse(tip.link.view)
    for tour in tours.TOURS:
        assert reverse(tour.view, args=tour.arguments)
        assert len(tour.step_ids) == len(tour.steps)


def reported(acme, **said: str) -> None:
    """A call of their own code, as its first."""
    call = {"provider": "openai", "model": "gpt-4o", "tokens": {"input": 9}} | said
    tracking.track(acme.pk, [call], key_id=None, now=timezone.now())
    with organization_scope(acme.pk):
        journal.record_once(Event.SDK_FIRST_REQUEST, None, acme)


@pytest.mark.parametrize("said", [{}, {"feature": "search"}])
def test_the_tour_of_attribution_is_offered_once_calls_come_and_points_at_what_is_there(said, acme, alices):
    tour = tours.BY_ID["sdk_attribution"]
    two_settled_days(acme)
    celebrate_all(alices)
    assert "sdk_attribution" not in corner(alices, tour.view)

    reported(acme, **said)
    celebrate_all(alices)

    assert 'data-id="sdk_attribution"' in corner(alices, tour.view)
    page = alices.get(reverse(tour.view, args=tour.arguments)).content.decode()
    assert [step.target for step in tour.steps if f'data-tour="{step.target}"' not in page] == []
    assert alices.post("/help/tours/sdk_attribution/").url == "/attribution/measured/feature/"


def test_the_attribution_tip_is_for_calls_that_name_nobody(acme, alices):
    celebrate_all(alices)
    assert "add_attribution_tip" not in corner(alices, "usage:customers")

    reported(acme)
    celebrate_all(alices)

    assert "add_attribution_tip" in corner(alices, "usage:customers")
    assert 'data-tour="attribution-empty"' in alices.get("/customers/").content.decode()


# The launcher


def test_the_launcher_shows_how_far_it_is_and_what_comes_next(acme, alice, alices):
    assert "0 of 6 done" in corner(alices)
    assert 'class="btn btn-primary btn-sm launcher-next" href="/providers/"' in corner(alices)
    assert "launcher-next" not in corner(alices, "providers:list")
    assert "check-list" not in corner(alices, "guidance:help")


def test_dismissed_for_good_it_returns_from_help(acme, alice, alices):
    tell(alices, "checklist_dismissed")
    assert "check-list" not in corner(alices)
    assert "Show it on every page again" in alices.get("/help/").content.decode()

    assert alices.post("/help/checklist/").url == "/help/"
    assert "check-list" in corner(alices)


def test_when_everything_is_done_it_says_so_once_and_is_gone(acme, alice, alices):
    celebrate_all(alices, "basic_dashboard")
    assert "check-list" in corner(alices)
    for event in (Event.QUESTIONNAIRE_COMPLETED, Event.PROVIDER_CONNECTION_COMPLETED, Event.DASHBOARD_DATA_LOADED,
                  Event.BUDGET_CREATED, Event.ALERT_CREATED, Event.TEAM_INVITE_SENT):  # fmt: skip
        happened(event, alice, acme)
    celebrate_all(alices)

    first, second = corner(alices), corner(alices)

    assert "You are all set up." in first
    assert "check-list" not in first
    assert "You are all set up." not in second
    assert len(lines(acme, "checklist_fully_completed")) == 1


def test_who_never_had_a_list_is_not_congratulated_on_it(acme, alice):
    for event in (Event.PROVIDER_CONNECTION_COMPLETED, Event.DASHBOARD_DATA_LOADED):
        happened(event, alice, acme)
    from accounts.permissions import Role

    late = make.member(acme, "late@acme.example", Role.VIEWER)
    happened(Event.QUESTIONNAIRE_COMPLETED, late, acme)

    assert "You are all set up." not in corner(Browser(late))


def test_a_sample_workspace_has_tours_and_no_list(alice, acme, alices):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    two_settled_days(sample)
    alices.post(f"/organizations/{sample.pk}/enter/")

    html = corner(alices)

    assert "check-list" not in html
    assert asks(html) == ["tour"]
    assert seen(sample, alice) == {}


def test_every_framed_page_asks_for_its_corner_once(acme, alices):
    for path in ("/dashboard/", "/usage/", "/providers/", "/settings/profile/", "/help/"):
        assert alices.get(path).content.decode().count('hx-get="/onboarding/guide/') == 1, path


def test_a_corner_takes_a_bounded_number_of_queries(acme, alice, alices, django_assert_max_num_queries):
    two_settled_days(acme)
    corner(alices)
    with django_assert_max_num_queries(32):
        corner(alices)


def test_nobody_outside_gets_a_corner(client, mallory):
    assert client.get("/onboarding/guide/").status_code == 302
    assert isinstance(mallory, User)
    assert Browser(mallory).get("/onboarding/guide/").url == reverse("accounts:no_organization")


def test_counting_looks_happens_at_home_only(acme, alice):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    with organization_scope(sample.pk):
        journal.record(Event.SAMPLE_ENTERED, alice, sample, at=NOW)
    browser = Browser(alice)
    browser.post(f"/organizations/{sample.pk}/enter/")
    corner(browser)

    assert "page usage:dashboard" not in seen(sample, alice)
