"""The sample workspace: entered and left in one click, filled by the real engine, and never mixed with real figures."""

import pytest

from accounts.models import Organization, User
from tests.conftest import Browser
from tests.usage.pages.accounts_read import two_settled_days
from tokentra.lib.tenancy import organization_scope
from usage.models import DayRollup, Label, LedgerDay, UsageRecord

pytestmark = pytest.mark.django_db


def page(browser: Browser, path: str = "/dashboard/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def sample_of(user: User) -> Organization:
    from accounts import samples

    found = samples.sample_of(user)
    assert found
    return found


def test_one_click_opens_a_filled_dashboard_with_a_banner(alices: Browser):
    answer = alices.post("/sample/enter/", follow=True)
    content = answer.content.decode()

    assert answer.redirect_chain == [("/dashboard/", 302)]
    assert "Sample workspace." in content
    assert "Cost by model" in content
    assert "Your data is ready" not in content
    assert "Look around with sample data" not in content
    assert 'action="/sample/remove/"' in content


def test_one_click_goes_back_and_the_own_organization_has_no_sample_figures(acme: Organization, alices: Browser):
    two_settled_days(acme)
    alices.post("/sample/enter/")

    alices.post("/sample/leave/")
    content = page(alices, "/dashboard/?from=2026-11-10&to=2026-11-11")

    assert "Sample workspace." not in content
    assert 'title="$4.00"' in content


def test_entering_twice_is_the_same_workspace(alice: User, alices: Browser):
    alices.post("/sample/enter/")
    first = sample_of(alice)
    alices.post("/sample/leave/")

    alices.post("/sample/enter/")

    assert sample_of(alice) == first


def test_removing_it_leaves_no_row_behind(acme: Organization, alice: User, alices: Browser):
    alices.post("/sample/enter/")
    sample = sample_of(alice)

    content = alices.post("/sample/remove/", follow=True).content.decode()

    assert "Your sample workspace is deleted." in content
    assert "Sample workspace.</strong>" not in content
    with organization_scope(sample.pk):
        for model in (UsageRecord, LedgerDay, DayRollup, Label):
            assert not model._default_manager.filter(organization_id=sample.pk).exists()


@pytest.mark.parametrize("path", ["/sample/enter/", "/sample/leave/", "/sample/remove/"])
def test_each_way_is_a_post_with_its_token(acme: Organization, alice: User, path: str):
    strict = Browser(alice, enforce_csrf_checks=True)

    assert strict.get(path).status_code == 405
    assert strict.post(path).status_code == 403
    assert Browser().post(path).status_code == 302
