"""/help/ works without a script: what can be done again, what is useful by now, where to read on."""

import pytest
from django.urls import reverse

from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tests.onboarding.guidance.test_guidance_api import tell
from tests.usage.pages.accounts_read import two_settled_days


def words(browser):
    answer = browser.get("/help/")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_it_lists_the_checklist_and_what_unlocks_the_rest(acme, alices):
    page = words(alices)

    assert "Connect an AI provider" in page
    assert "Becomes useful when a provider is connected." in page
    assert "Becomes useful when seven days of your use are here." in page
    assert page.count("Unlocked") == 2  # the plan counts as met
    two_settled_days(acme)
    assert words(alices).count("Unlocked") == 4


def test_a_tour_is_offered_when_there_is_something_to_point_at(acme, alices):
    assert "It needs figures to point at" in words(alices)
    two_settled_days(acme)
    assert "Take the tour" in words(alices)


def test_dismissed_tips_can_be_had_again(acme, alices):
    assert "Show them again" not in words(alices)
    tell(alices, "tooltip_dismissed", {"tooltipId": "export_tip"})
    assert "You dismissed 1 tip." in words(alices)

    assert alices.post("/help/tips/").url == "/help/"
    assert "Show them again" not in words(alices)


def test_it_leads_to_the_guide_and_to_support_where_there_is_some(acme, alices, settings):
    assert f'href="{reverse("guide:contents")}"' in words(alices)
    assert "Contact support" not in words(alices)
    settings.SUPPORT_URL = "https://support.example/acme"
    assert 'href="https://support.example/acme"' in words(alices)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_help(role, acme):
    page = words(Browser(make.member(acme, f"{role}3@acme.example", role)))

    assert "Review your cost breakdown" in page
    assert ("Connect an AI provider" in page) is (role in {Role.OWNER, Role.ADMIN})


def test_the_sidebar_leads_here(alices):
    page = " ".join(alices.get("/dashboard/").content.decode().split())

    assert '<a class="side-link side-foot" href="/help/" title="Help" data-tour="help">' in page
