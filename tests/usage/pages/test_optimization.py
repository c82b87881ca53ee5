"""/optimization/ and the insight of the dashboard: findings from an organization's own figures."""

import re
from html import unescape

import pytest
from django.utils import timezone

from accounts.models import JournalEntry, Organization
from tests import make
from tests.conftest import Browser
from tests.usage.pages.accounts_read import NOW, on, openai, whole_history
from tokentra.lib.tenancy import organization_scope
from usage import optimization
from usage.rows import Tokens

pytestmark = pytest.mark.django_db


def text(browser: Browser, path: str = "/optimization/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content
    return " ".join(unescape(re.sub(r"(?s)<svg.*?</svg>|<[^>]+>", " ", answer.content.decode())).split())


def short_calls(organization: Organization) -> None:
    tokens = Tokens(input=300_000, output=60_000)
    whole_history(openai(organization), *(on(n, model="gpt-4o", tokens=tokens, requests=1_000) for n in range(1, 21)))


def test_without_use_it_says_what_is_needed(alices: Browser):
    alices.post("/onboarding/features/optimization_engine/")

    page = text(alices)

    assert "Suggestions come from your use" in page
    assert "At least 100 requests" in page


def test_a_finding_shows_its_evidence_its_range_and_its_arithmetic(acme: Organization, alices: Browser):
    short_calls(acme)

    page = text(alices)

    assert "Try gpt-4o-mini for short calls to gpt-4o" in page
    assert "$6.34 to $19.04" in page or "$6.35 to $19.04" in page
    assert "of the $27.00 it applies to, in 30 days" in page
    assert "Short, simple-looking requests 20,000" in page
    assert "How this is computed $27.00 spent on these requests" in page
    assert "Medium confidence" in page


@pytest.mark.parametrize(("plan", "is_told"), [("free", False), ("pro", True)])
def test_the_free_plan_has_tips_without_figures(acme: Organization, alices: Browser, settings, plan, is_told):
    settings.PLANS_ENFORCED = True
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(plan=plan)
    short_calls(acme)

    page, insight = text(alices), text(alices, "/dashboard/insight/")

    assert "Try gpt-4o-mini for short calls to gpt-4o" in page
    assert ("of the $27.00 it applies to" in page, "Could save" in insight) == (is_told, is_told)


def test_a_smaller_model_leads_to_a_routing_rule_that_is_ready(acme: Organization, alices: Browser):
    short_calls(acme)
    alices.post("/onboarding/features/smart_routing/")

    href = re.search(r'href="(/routing/\?[^"]+)"', alices.get("/optimization/").content.decode())

    assert href
    page = alices.get(unescape(href[1])).content.decode()
    assert 'value="gpt-4o-mini"' in page.split('id="add-rule"')[1]


def test_a_finding_leads_to_the_rows_behind_it(acme: Organization, alices: Browser):
    short_calls(acme)

    href = re.search(r'href="(/usage/\?[^"]*model=gpt-4o[^"]*)"', alices.get("/optimization/").content.decode())

    assert href
    assert "$27.00" in text(alices, unescape(href[1]))


def test_the_dashboard_asks_for_the_first_finding(acme: Organization, alices: Browser):
    short_calls(acme)

    assert 'hx-get="/dashboard/insight/"' in alices.get("/dashboard/").content.decode()
    assert "Try gpt-4o-mini for short calls to gpt-4o" in text(alices, "/dashboard/insight/")


def test_nothing_found_is_said_as_such(acme: Organization, alices: Browser):
    whole_history(openai(acme), on(1))

    assert "No rule found a saving in 1 day of use." in text(alices)
    assert "Nothing in the last 30 days suggests a saving." in text(alices, "/dashboard/insight/")


def test_the_first_view_is_noted_once_there_is_something_to_see(acme: Organization, alices: Browser):
    text(alices)
    whole_history(openai(acme), on(1))
    text(alices)
    text(alices)

    with organization_scope(acme.pk):
        seen = JournalEntry.objects.owned_by(acme).filter(event="optimization_first_view")
        assert seen.count() == 1


def test_ninety_days_of_sample_data_are_bounded_by_what_was_spent(acme: Organization):
    make.story(acme, NOW)

    with organization_scope(acme.pk):
        found = optimization.look(acme, timezone.now())

    assert {each.finding.rule for each in found.suggestions} == {"cheaper-model", "caching", "batch"}
    assert 0 < found.low < found.high < found.spend
    for each in found.suggestions:
        assert each.finding.high <= each.finding.affected <= each.finding.spend


def test_mallory_sees_no_finding_of_acme(acme: Organization, mallorys: Browser):
    short_calls(acme)

    assert "gpt-4o" not in text(mallorys).replace("gpt-4o-mini", "")
