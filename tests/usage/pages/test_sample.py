"""The sample workspace: entered and left in one click, filled while one looks, and never mixed with real figures."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db.models.functions import Now

from accounts import samples
from accounts.models import Organization, User
from tests.conftest import Browser
from tests.usage.pages.accounts_read import NOW, two_settled_days
from tokentra.lib.tenancy import organization_scope
from usage import demo, filling
from usage.models import DayRollup, Label, LedgerDay, SampleFill, UsageRecord

pytestmark = pytest.mark.django_db


def page(browser: Browser, path: str = "/dashboard/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def sample_of(user: User) -> Organization:
    found = samples.sample_of(user)
    assert found
    return found


@pytest.fixture(autouse=True)
def _short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps instead of nine."""
    monkeypatch.setattr(demo, "DAYS", 25)


def marked(sample: Organization, **fields: object) -> None:
    with organization_scope(sample.pk):
        SampleFill.objects.owned_by(sample).update(**fields)


def polls_of(content: str) -> str:
    return "".join(re.findall(r'id="figures"[^>]*hx-trigger="([^"]+)"', content))


def looks(browser: Browser, query: str = ""):
    """As the page looks by itself."""
    return browser.get(f"/dashboard/?{query}", headers={"HX-Request": "true"})


def test_one_click_answers_before_anything_is_written_and_says_so(alices: Browser):
    answer = alices.post("/sample/enter/", follow=True)
    content = answer.content.decode()

    assert answer.redirect_chain == [("/dashboard/", 302)]
    assert "Sample workspace." in content
    assert "Filling your sample workspace" in content
    assert "0 of 25" in content
    assert "skeleton-chart" in content
    assert "Reload the page to see how far it is." in content
    assert "Connect a provider" not in content
    assert (polls_of(content), "waited=1" in content) == ("every 2s", True)


def test_the_newest_days_are_on_the_page_after_one_step(alice: User, alices: Browser):
    alices.post("/sample/enter/")
    assert "HX-Refresh" not in looks(alices, "waited=1")
    filling.step(sample_of(alice).pk)

    assert looks(alices, "waited=1")["HX-Refresh"] == "true"
    content = page(alices)

    assert "Cost by model" in content
    assert "10 of 25" in content
    assert "skeleton" not in content
    assert "Some figures are partial" not in content
    assert (polls_of(content), "waited=1" in content) == ("every 2s", False)
    assert "HX-Refresh" not in looks(alices)


def test_a_click_that_was_cut_off_is_made_good_by_the_next_look(acme: Organization, alice: User):
    """The workspace was made, and the process died before it was asked for."""
    sample = samples.made_for(alice)
    browser = Browser(alice)
    browser.post(f"/organizations/{sample.pk}/enter/")

    content = page(browser)

    assert "0 of 25" in content
    with organization_scope(sample.pk):
        assert SampleFill.objects.owned_by(sample).due().exists()


def test_the_page_stops_looking_when_all_is_written(alice: User, alices: Browser):
    alices.post("/sample/enter/")
    filling.finish(sample_of(alice).pk)

    content = page(alices)

    assert "Cost by model" in content
    assert "Filling your sample workspace" not in content
    assert polls_of(content) == ""
    assert "Your data is ready" not in content
    assert "Look around with sample data" not in content
    assert 'action="/sample/remove/"' in content


def test_the_usage_table_leads_to_the_page_that_says_how_far_it_is(alices: Browser):
    alices.post("/sample/enter/")

    content = page(alices, "/usage/")

    assert "The sample is being filled" in content
    assert "Connect a provider" not in content


def test_when_no_worker_is_there_the_page_says_so_and_what_to_do(alice: User, alices: Browser):
    alices.post("/sample/enter/")
    marked(sample_of(alice), moved_at=Now() - timedelta(minutes=2))

    content = page(alices)

    assert "The sample is waiting for a worker" in content
    assert "./manage.py sweep" in content
    assert polls_of(content) == "every 5s"


def test_what_was_given_up_is_taken_up_by_one_click(alice: User, alices: Browser):
    alices.post("/sample/enter/")
    sample = sample_of(alice)
    filling.step(sample.pk)
    marked(sample, failures=5, due_at=None)

    content = page(alices)
    assert "The sample could not be filled" in content
    assert "10 of 25 days are here" in content
    assert polls_of(content) == ""
    assert 'action="/sample/enter/"' in content
    again = alices.post("/sample/enter/", follow=True).content.decode()

    assert "The sample could not be filled" not in again
    assert polls_of(again) == "every 2s"


def test_whoever_comes_back_on_a_later_day_finds_it_brought_up_to_date(alice: User, alices: Browser):
    alices.post("/sample/enter/")
    filling.finish(sample_of(alice).pk)

    with time_machine.travel(NOW + timedelta(days=2), tick=False):
        content = page(alices)
        assert "0 of 7" in content
        assert "Cost by model" in content
        filling.finish(sample_of(alice).pk)
        assert "Filling your sample workspace" not in page(alices)


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
    filling.step(sample.pk)

    content = alices.post("/sample/remove/", follow=True).content.decode()

    assert "Your sample workspace is deleted." in content
    assert "Sample workspace.</strong>" not in content
    with organization_scope(sample.pk):
        for model in (UsageRecord, LedgerDay, DayRollup, Label, SampleFill):
            assert not model._default_manager.filter(organization_id=sample.pk).exists()


@pytest.mark.parametrize("path", ["/sample/enter/", "/sample/leave/", "/sample/remove/"])
def test_each_way_is_a_post_with_its_token(acme: Organization, alice: User, path: str):
    strict = Browser(alice, enforce_csrf_checks=True)

    assert strict.get(path).status_code == 405
    assert strict.post(path).status_code == 403
    assert Browser().post(path).status_code == 302
