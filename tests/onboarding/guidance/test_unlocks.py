"""When features become useful: the four kinds of conditions, and what is recorded of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import journal
from accounts.journal import Event
from accounts.models import JournalEntry, Membership, Organization
from accounts.plans import ORDER
from onboarding.guidance import unlocking, unlocks
from onboarding.guidance.conditions import Action, Count, Days, Facts, Plan, is_news
from onboarding.guidance.doors import MEASURED
from onboarding.guidance.guide import Guide
from onboarding.guidance.reading import facts_of
from onboarding.guidance.unlocks import FEATURES, Feature
from onboarding.models import Unlock
from tests import make
from tests.usage.pages.accounts_read import two_settled_days
from tokentra.lib.tenancy import organization_scope
from tokentra.navigation import GROUPS
from tokentra.templatetags.icons import ICONS

NOW = datetime(2026, 11, 20, 14, 10, tzinfo=UTC)
TODAY = NOW.date()
FACTS = Facts(now=NOW, since=NOW - timedelta(days=3))


def feature(id: str, condition) -> Feature:
    return Feature(id, id, "", "star", condition, needs="", celebration="", next_steps=())


def test_an_action_counts_whoever_did_it():
    condition = Action(Event.PROVIDER_CONNECTION_COMPLETED)

    assert not condition.holds(replace(FACTS, mine={}))
    assert condition.holds(replace(FACTS, ours={"provider_connection_completed": NOW}))


@pytest.mark.parametrize(("count", "holds"), [(0, False), (999, False), (1000, True), (1001, True)])
def test_a_count_holds_from_its_threshold_on(count, holds):
    assert Count("requests", 1000).holds(replace(FACTS, counts={"requests": count})) is holds
    assert not Count("others", 1000).holds(replace(FACTS, counts={"requests": count}))


@pytest.mark.parametrize(
    ("signed_up", "read_since", "used_since", "holds"),
    [
        (0, None, None, False),
        (400, None, None, False),  # time alone is nothing to look at
        (400, 30, None, False),
        (0, 0, 0, False),
        (0, 6, 0, False),
        (0, 7, 0, True),  # a week was read, with use in it
        (0, 89, 3, True),
        (6, 3, 3, False),
        (7, 3, 3, True),
    ],
)
def test_days_need_use_and_a_week_of_history_or_of_membership(signed_up, read_since, used_since, holds):
    def ago(days: int | None) -> date | None:
        return None if days is None else TODAY - timedelta(days=days)

    facts = replace(
        FACTS, since=NOW - timedelta(days=signed_up), read_since=ago(read_since), used_since=ago(used_since)
    )

    assert Days(7).holds(facts) is holds


@pytest.mark.parametrize("plan", ORDER)
def test_a_plan_counts_as_met_without_news_while_plans_are_not_enforced(plan):
    condition, loose = Plan("pro"), replace(FACTS, plan=plan)
    strict = replace(loose, plans_are_enforced=True)

    assert condition.holds(loose)
    assert not is_news(condition, loose)
    assert condition.holds(strict) is is_news(condition, strict) is (plan != "free")


def test_what_holds_is_useful_and_what_was_recorded_stays_so():
    features = (feature("a", Action("x")), feature("b", Count("n", 1)), feature("c", Plan("pro")))

    assert unlocks.unlocked(FACTS, {"b"}, features) == {"b", "c"}
    assert [each.id for each in unlocks.news(replace(FACTS, ours={"x": NOW}), {"b"}, features)] == ["a"]


def test_every_feature_leads_to_pages_that_are_there_and_waits_in_the_sidebar():
    views = [step.view for each in FEATURES for step in each.next_steps] + list(unlocks.BY_VIEW)
    entries = {entry.feature: entry.view for group in GROUPS for entry in group.entries if entry.feature}
    del entries[MEASURED]  # its pages explain themselves while they are empty

    assert all(reverse(view) for view in views)
    assert entries == {each.id: each.view for each in FEATURES if each.view}
    assert [each.icon for each in FEATURES if not (ICONS / f"{each.icon}.svg").is_file()] == []


# What the database holds of it


def unlocked(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        return sorted(Unlock.objects.owned_by(organization).values_list("feature", flat=True))


def said(organization: Organization) -> list[tuple[str, str]]:
    with organization_scope(organization.pk):
        lines = JournalEntry.objects.owned_by(organization).filter(event="feature_unlocked").order_by("id")
        return [(line.data["feature"], line.data["trigger"]) for line in lines]


def test_a_milestone_unlocks_once_with_its_trigger_whoever_repeats_it(acme, alice, bob):
    for person in (alice, bob, alice):
        with organization_scope(acme.pk):
            journal.record(Event.PROVIDER_CONNECTION_COMPLETED, person, acme, provider="openai")

    assert unlocked(acme) == ["basic_dashboard", "provider_insights"]
    assert said(acme) == [
        ("basic_dashboard", "signup_completed"),
        ("provider_insights", "provider_connection_completed"),
    ]


def test_looking_from_two_places_at_once_records_one(acme):
    with organization_scope(acme.pk):
        facts = facts_of(acme, None, now=NOW)
        before = unlocking.recorded(acme)
        unlocking.settle(acme, facts, before)
        unlocking.settle(acme, facts, before)  # as a second request that read before the first one wrote

    assert said(acme) == [("basic_dashboard", "signup_completed")]


def test_a_plan_leaves_no_line_while_plans_are_not_enforced(acme, settings):
    gated = (feature("advanced_alerts", Plan("pro")),)
    with organization_scope(acme.pk):
        assert unlocking.settle(acme, facts_of(acme, None, now=NOW), {}, gated) == {}
        settings.PLANS_ENFORCED = True
        acme.plan = "pro"
        assert set(unlocking.settle(acme, facts_of(acme, None, now=NOW), {}, gated)) == {"advanced_alerts"}

    assert said(acme) == [("advanced_alerts", "plan pro")]


def test_what_a_plan_that_ended_included_is_not_celebrated(acme, alice, settings):
    settings.PLANS_ENFORCED = True

    def celebrated(trial_ends_at: datetime) -> bool:
        with organization_scope(acme.pk):
            Organization.objects.filter(pk=acme.pk).update(plan="free", trial_ends_at=trial_ends_at)
            membership = Membership.objects.select_related("organization", "user").get(user=alice)
            return "advanced_alerts" in {each.id for each in Guide(membership, now=timezone.now()).to_celebrate}

    assert celebrated(timezone.now() + timedelta(days=1))
    assert not celebrated(timezone.now() - timedelta(days=1))


def test_a_week_of_figures_unlocks_by_being_looked_at(acme, alice, browser_of):
    two_settled_days(acme)  # nine and ten days before the afternoon of these tests; today is later

    assert browser_of(alice).get("/optimization/").status_code == 200

    assert "optimization_engine" in unlocked(acme)
    assert ("cost_attribution", "a day of figures") in said(acme)
    assert ("optimization_engine", "7 days of figures") in said(acme)


def test_a_sample_workspace_has_nothing_to_earn(alice, acme):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    with organization_scope(sample.pk):
        journal.record(Event.SAMPLE_ENTERED, alice, sample)
        assert unlocking.settle_now(sample, now=NOW) == {}

    assert unlocked(sample) == []


def test_facts_tell_days_that_were_read_from_days_with_use(acme):
    with organization_scope(acme.pk):
        empty = facts_of(acme, None, now=NOW)
    two_settled_days(acme)
    with organization_scope(acme.pk):
        filled = facts_of(acme, None, now=NOW)

    assert (empty.read_since, empty.used_since) == (None, None)
    assert (filled.read_since, filled.used_since) == (date(2026, 11, 10), date(2026, 11, 10))
