"""The whole grid of answers: every segment and path is reachable, and nothing falls through."""

from itertools import product

import pytest

from onboarding.questions import COMPANY_SIZE, GOALS, MONTHLY_AI_SPEND, USER_ROLE
from onboarding.segments import (
    SPEND_FROM,
    Answers,
    Path,
    Placement,
    Segment,
    Tier,
    place,
)

SIZES = ["", *sorted(COMPANY_SIZE.values)]
ROLES = ["", *sorted(USER_ROLE.values)]
SPENDS = ["", *sorted(MONTHLY_AI_SPEND.values)]
GOAL_SETS = [
    (),
    ("exploring",),
    ("visibility",),
    ("client_billing",),
    ("exploring", "visibility"),
    ("client_billing", "exploring"),
]

S, P = Segment, Path
EXPECTED = {  # size, role: segment and path without goals and with a small spend
    ("solo", "engineering"): (S.STARTUP_TECHNICAL, P.SDK_FIRST),
    ("2-10", "platform_devops"): (S.STARTUP_TECHNICAL, P.SDK_FIRST),
    ("11-50", "finops_finance"): (S.STARTUP_BUSINESS, P.GUIDED_TOUR),
    ("11-50", "founder_ceo"): (S.STARTUP_BUSINESS, P.GUIDED_TOUR),
    ("2-10", "other"): (S.STARTUP_BUSINESS, P.GUIDED_TOUR),
    ("51-200", "engineering"): (S.MIDMARKET_TECHNICAL, P.SDK_FIRST),
    ("201-1000", "finops_finance"): (S.MIDMARKET_FINOPS, P.GUIDED_TOUR),
    ("201-1000", "cto_vp"): (S.MIDMARKET_BUSINESS, P.GUIDED_TOUR),
    ("51-200", "other"): (S.MIDMARKET_BUSINESS, P.GUIDED_TOUR),
    ("1000+", "platform_devops"): (S.ENTERPRISE_TECHNICAL, P.SDK_FIRST),
    ("1000+", "finops_finance"): (S.ENTERPRISE_FINOPS, P.GUIDED_TOUR),
    ("1000+", "engineering_manager"): (S.ENTERPRISE_EXECUTIVE, P.SALES_ASSISTED),
    ("1000+", "other"): (S.ENTERPRISE_BUSINESS, P.GUIDED_TOUR),
    ("", "engineering"): (None, P.QUICK_CONNECT),
    ("1000+", ""): (None, P.QUICK_CONNECT),
    ("", ""): (None, P.QUICK_CONNECT),
}


def grid():
    return (Answers(*told) for told in product(SIZES, ROLES, SPENDS, GOAL_SETS))


@pytest.mark.parametrize(("told", "placed"), EXPECTED.items())
def test_size_and_role_decide(told, placed):
    found = place(Answers(*told), has_sales=True)

    assert (found.segment, found.path) == placed


def test_every_segment_and_path_is_reachable_and_nothing_falls_through():
    placed = [place(answers, has_sales=True) for answers in grid()]

    assert {each.segment for each in placed} == {*Segment, None}
    assert {each.path for each in placed} == set(Path)
    assert {each.tier for each in placed} == {*Tier, None}


def test_without_somebody_to_talk_to_nobody_is_sent_there():
    assert all(place(answers, has_sales=False).path is not Path.SALES_ASSISTED for answers in grid())


def test_billing_clients_makes_an_agency_whatever_else_was_said():
    for answers in grid():
        if "client_billing" in answers.goals:
            tier = place(answers, has_sales=True).tier
            assert place(answers, has_sales=False) == Placement(Segment.AGENCY, Path.GUIDED_TOUR, tier), answers


def test_a_spend_of_fifty_thousand_leads_to_a_talk_before_anything_else():
    spenders = [answers for answers in grid() if SPEND_FROM.get(answers.spend, 0) >= 50_000]

    assert spenders
    assert {place(answers, has_sales=True).path for answers in spenders} == {Path.SALES_ASSISTED}


def test_the_operator_moves_that_line():
    big, bigger = (Answers("solo", "engineering", spend) for spend in ("50000_100000", "over_100000"))

    assert place(big, has_sales=True, sales_from=100_000).path is Path.SDK_FIRST
    assert place(bigger, has_sales=True, sales_from=100_000).path is Path.SALES_ASSISTED


def test_somebody_who_only_explores_connects_quickly():
    only = {place(Answers(size, role, "", ("exploring",)), has_sales=True).path for size, role in product(SIZES, ROLES)}
    more = place(Answers("solo", "engineering", "", ("exploring", "visibility")), has_sales=True)

    assert only == {Path.QUICK_CONNECT}
    assert more.path is Path.SDK_FIRST


def test_the_rules_know_every_option_that_is_offered():
    assert {*SPEND_FROM, "not_sure"} == MONTHLY_AI_SPEND.values
    assert {"client_billing", "exploring"} <= GOALS.values
    assert all(
        place(Answers(size, role), has_sales=True).segment for size in COMPANY_SIZE.values for role in USER_ROLE.values
    )
