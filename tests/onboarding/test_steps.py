"""Who sees which steps, counted over what they really see."""

import pytest

from onboarding.segments import Path
from onboarding.steps import Came, Place, Traveller, place, resume, steps

FOUNDER = Traveller(Came.FOUNDED, Path.GUIDED_TOUR, manages=True)


def traveller(**changes):
    values = {"came": Came.FOUNDED, "path": Path.GUIDED_TOUR, "manages": True}
    return Traveller(**values | changes)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (FOUNDER, ("company", "ai_usage", "goals", "team", "connect")),
        (traveller(is_solo=True), ("company", "ai_usage", "goals", "connect")),
        (traveller(is_connected=True), ("company", "ai_usage", "goals", "team")),
        (
            traveller(path=Path.SALES_ASSISTED, has_sales=True),
            ("company", "ai_usage", "goals", "team", "contact", "connect"),
        ),
        (traveller(path=Path.SALES_ASSISTED), ("company", "ai_usage", "goals", "team", "connect")),
        (traveller(came=Came.INVITED, manages=False), ("company", "goals")),
        (traveller(came=Came.INVITED), ("company", "goals", "connect")),
        (traveller(came=Came.INVITED, is_connected=True), ("company", "goals")),
        (traveller(came=Came.ANOTHER), ("connect",)),
        (traveller(came=Came.ANOTHER, is_connected=True), ()),
    ],
)
def test_people_see_the_steps_that_are_theirs(who, seen):
    assert steps(who) == seen


def test_the_counter_counts_what_this_person_sees():
    assert place(FOUNDER, "goals") == Place(3, 5, "ai_usage", "team")
    assert place(traveller(came=Came.INVITED, manages=False), "goals") == Place(2, 2, "company", "dashboard")
    assert place(FOUNDER, "contact") is None
    assert place(FOUNDER, "goals").words == "Step 3 of 5"


@pytest.mark.parametrize(
    ("who", "dealt_with", "goes_on"),
    [
        (FOUNDER, (), "company"),
        (FOUNDER, ("company", "ai_usage"), "goals"),
        (FOUNDER, ("connect", "goals"), "company"),
        (traveller(is_solo=True), ("company", "ai_usage", "goals"), "connect"),
        (traveller(is_connected=True), ("company", "ai_usage", "goals", "team"), "dashboard"),
        (traveller(came=Came.INVITED, manages=False), ("company",), "goals"),
        (traveller(came=Came.ANOTHER, is_connected=True), (), "dashboard"),
    ],
)
def test_coming_back_leads_to_the_first_step_that_was_not_dealt_with(who, dealt_with, goes_on):
    assert resume(who, dealt_with) == goes_on
