"""Unusual days: compared with their weekday, told with their numbers, quiet about small money and short history."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.rules import anomaly
from budgets.rules.anomaly import Sensitivity

TUESDAY = date(2026, 11, 17)
WEEK = [100, 104, 98, 102, 97, 20, 21]  # from a Wednesday to a Tuesday it is turned below


def before(last: date, weeks: int, scale: float = 1) -> list[Decimal]:
    """Whole weeks of an office that end on the day before `last`."""
    first = last - timedelta(days=7 * weeks)
    return [
        Decimal(str(WEEK[(first + timedelta(days=n)).weekday()] * scale * (1 + (n % 3 - 1) / 50)))
        for n in range(7 * weeks)
    ]


def look(last: date, spent: float, *, weeks: int = 8, minimum: str = "10", scale: float = 1, **more):
    return anomaly.look([*before(last, weeks, scale), Decimal(str(spent))], last, minimum=Decimal(minimum), **more)


def test_a_day_like_its_kind_is_not_unusual():
    assert look(TUESDAY, 104) is None
    assert look(TUESDAY, 120) is None


def test_a_day_far_above_its_weekday_is_told_with_its_numbers():
    found = look(TUESDAY, 412.2)

    assert found.is_high
    assert float(found.expected) == pytest.approx(103, rel=0.05)
    assert found.expected < found.seldom_beyond < found.spent
    assert found.sentence == (
        f"Tuesday, 17 November, cost $412.20. A Tuesday at the level of the last 10 days costs about "
        f"${found.expected:.2f}, and seldom more than ${found.seldom_beyond:.2f}."
    )


def test_what_is_usual_on_a_weekday_is_unusual_on_a_sunday():
    sunday = date(2026, 11, 22)

    assert look(sunday, 100) is not None
    assert look(sunday, 21) is None


def test_small_money_and_a_short_history_are_quiet():
    assert look(TUESDAY, 4.1, scale=0.01) is None
    assert look(TUESDAY, 4.1, scale=0.01, minimum="1") is not None
    assert look(TUESDAY, 412, weeks=1) is None
    assert anomaly.look([Decimal(0)] * 40 + [Decimal(500)], TUESDAY, minimum=Decimal(10)) is None


@pytest.mark.parametrize(
    ("spent", "told"), [(140, ["high"]), (165, ["high", "normal"]), (260, ["high", "normal", "low"])]
)
def test_sensitivity_says_how_far_is_far(spent, told):
    heard = [each.value for each in Sensitivity if look(TUESDAY, spent, sensitivity=each)]

    assert sorted(heard) == sorted(told)


def test_a_fall_is_told_to_who_asks_for_it():
    assert look(TUESDAY, 5) is None
    assert not look(TUESDAY, 5, falls=True).is_high


def test_growth_is_no_anomaly():
    day = [Decimal(str(100 * 1.01**n)) for n in range(60)]

    assert anomaly.look(day, TUESDAY, minimum=Decimal(10)) is None


def test_an_earlier_odd_day_neither_hides_the_next_nor_makes_one():
    past = before(TUESDAY, 8)
    past[-6] = Decimal(2000)

    assert anomaly.look([*past, Decimal(412)], TUESDAY, minimum=Decimal(10)) is not None
    assert anomaly.look([*past, Decimal(104)], TUESDAY, minimum=Decimal(10)) is None


def test_what_runs_on_the_first_of_each_month_is_expected_there():
    first = date(2026, 11, 1)
    past = before(first, 12, scale=5)
    for month in (10, 9):
        past[-(first - date(2026, month, 1)).days] += 900

    assert anomaly.look([*past, Decimal(1000)], first, minimum=Decimal(10)) is None
    assert anomaly.look([*past, Decimal(4000)], first, minimum=Decimal(10)) is not None
    assert look(first, 1000, scale=5, weeks=12) is not None


@given(st.lists(st.decimals(min_value=-5, max_value=10**7, places=6), max_size=110))
def test_whatever_was_spent_there_is_an_answer(daily):
    found = anomaly.look(daily, TUESDAY, minimum=Decimal(1)) if daily else None

    assert found is None or found.spent >= found.expected + 1
