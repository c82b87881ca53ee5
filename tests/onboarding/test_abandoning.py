"""A questionnaire that was left is noted after a quiet day, once, with the step; who comes back goes on (B15)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import JournalEntry, Organization, User
from accounts.organizations import create
from accounts.permissions import Role
from accounts.samples import enter_sample
from onboarding import journeys
from onboarding.tasks import follow_up
from tests import make
from tests.conftest import Browser
from tests.onboarding.conftest import journey_of
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.worker

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _start() -> Iterator[None]:
    with time_machine.travel(START, tick=False):
        yield


def at(hours: float) -> time_machine.travel:
    return time_machine.travel(START + timedelta(hours=hours), tick=False)


def after(hours: float) -> None:
    with at(hours):
        follow_up()
        follow_up()


def steps_left(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        said = JournalEntry.objects.owned_by(organization).filter(event="questionnaire_abandoned").order_by("at")
        return [line.data["step"] for line in said]


def begin(browser: Browser) -> None:
    """Opens the first question and hands in one screen."""
    browser.get("/", follow=True)
    browser.post("/onboarding/company/", {"company_name": "Acme", "company_size": "11-50"})


def test_b15_a_quiet_day_is_noted_once_with_the_step_that_was_reached(acme, alice, alices):
    begin(alices)

    for hours in (1, 12, 23.9):
        after(hours)
    assert steps_left(acme) == []

    for hours in (24, 25, 60, 400):
        after(hours)
    assert steps_left(acme) == ["ai_usage"]
    assert journey_of(acme, alice).abandoned_at == START + timedelta(hours=24)


def test_b15_each_step_begins_the_day_anew(acme, alice, alices):
    begin(alices)
    with at(20):
        alices.post("/onboarding/skip/ai_usage/")

    for hours in (24, 43.9):
        after(hours)
    assert steps_left(acme) == []

    after(44)
    assert steps_left(acme) == ["goals"]


def test_b15_whoever_comes_back_goes_on_where_they_were_and_it_stays_visible(acme, alice, alices):
    begin(alices)
    after(24)

    with at(50):
        assert alices.get("/", follow=True).request["PATH_INFO"] == "/onboarding/ai-usage/"
        for step in ("ai_usage", "goals", "team"):
            alices.post(f"/onboarding/skip/{step}/")
    after(100)

    journey = journey_of(acme, alice)
    assert journey.abandoned_at == START + timedelta(hours=24)
    assert journey.active_at == journey.questionnaire_completed_at == START + timedelta(hours=50)
    assert steps_left(acme) == ["ai_usage"]


def completes(acme: Organization, alice: User) -> None:
    browser = Browser(alice)
    begin(browser)
    for step in ("ai_usage", "goals", "team"):
        browser.post(f"/onboarding/skip/{step}/")


def skips_everything(acme: Organization, alice: User) -> None:
    begin(Browser(alice))
    Browser(alice).post("/onboarding/leave/")


def never_sees_a_question(acme: Organization, alice: User) -> None:
    with organization_scope(acme.pk):
        journeys.of(acme.memberships.get())


def makes_another_organization(acme: Organization, alice: User) -> None:
    completes(acme, alice)
    another = create("Another", by=alice)
    with organization_scope(another.pk):
        journeys.open_screen(journeys.of(another.memberships.get()), now=START)


def looks_at_the_sample(acme: Organization, alice: User) -> None:
    completes(acme, alice)
    sample = enter_sample(alice)
    with organization_scope(sample.pk):
        journeys.open_screen(journeys.of(sample.memberships.get()), now=START)


@pytest.mark.parametrize(
    "what",
    [completes, skips_everything, never_sees_a_question, makes_another_organization, looks_at_the_sample],
    ids=lambda each: each.__name__.replace("_", " "),
)
def test_b15_nothing_else_counts_as_left(acme, alice, what):
    what(acme, alice)

    for hours in (0, 24, 48, 200):
        after(hours)

    with organization_scope(acme.pk):
        mine = JournalEntry.objects.filter(event="questionnaire_abandoned", organization=acme)
        assert not mine.exists()
    assert journey_of(acme, alice).abandoned_at is None


def test_b15_each_person_of_an_organization_has_their_own_questions_to_leave(acme, alice, alices):
    completes(acme, alice)
    bob = make.member(acme, "bob@acme.example", Role.VIEWER)
    Browser(bob).get("/", follow=True)

    after(24)

    with organization_scope(acme.pk):
        line = JournalEntry.objects.owned_by(acme).get(event="questionnaire_abandoned")
    assert line.user == bob
    assert journey_of(acme, bob).abandoned_at
    assert journey_of(acme, alice).abandoned_at is None
