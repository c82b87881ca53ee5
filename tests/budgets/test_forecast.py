"""Forecasts: weekdays, what is new, what happened once, and how sure one can be."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgets.rules.forecast import forecast
from tests.bench import years

MONDAY = 0
OFFICE = [100, 100, 100, 100, 100, 20, 20]


def days(*amounts: float) -> list[Decimal]:
    return [Decimal(str(amount)) for amount in amounts]


def about(amount: float, share: float = 0.03) -> object:
    return pytest.approx(amount, rel=share)


def test_nothing_is_foreseen_of_too_little():
    assert forecast([], days_left=10, first_weekday=MONDAY) is None
    assert forecast(days(5, 5), days_left=10, first_weekday=MONDAY) is None
    assert forecast(days(*[0] * 30), days_left=10, first_weekday=MONDAY) is None


def test_the_end_of_a_period_is_certain():
    seen = forecast(days(*OFFICE * 3), days_left=0, first_weekday=MONDAY)

    assert (seen.low, seen.mid, seen.high) == (0, 0, 0)


@pytest.mark.parametrize(("left", "cost"), [(1, 100), (5, 500), (6, 520), (7, 540), (14, 1080), (31, 2460)])
def test_weekends_cost_what_weekends_do(left, cost):
    seen = forecast(days(*OFFICE * 8), days_left=left, first_weekday=MONDAY)

    assert float(seen.mid) == about(cost)
    assert seen.low < seen.mid < seen.high


def test_the_weekday_of_the_first_day_tells_which_days_are_the_weekend():
    saturday = forecast(days(*([20, 20, 100, 100, 100, 100, 100] * 8)), days_left=2, first_weekday=5)

    assert float(saturday.mid) == about(40, 0.06)


def test_days_of_longer_ago_than_are_looked_at_turn_no_weekday():
    long = days(*OFFICE * 30)[3:]  # begins on a Thursday

    assert forecast(long, days_left=5, first_weekday=3) == forecast(
        long[-120:], days_left=5, first_weekday=(3 + 87) % 7
    )


def test_who_was_always_too_low_believes_less_of_it():
    growing = [10 * 1.04**day for day in range(94)]

    seen = forecast(days(*growing[:80]), days_left=14, first_weekday=MONDAY)

    assert 0.8 < float(seen.mid) / sum(growing[80:]) < 1
    assert float(seen.low) < sum(growing[80:]) < float(seen.high)
    assert float(seen.high / seen.mid) == about(float(seen.mid / seen.low), 1e-9)


def test_one_odd_day_is_forgotten_and_a_change_that_lasts_is_believed():
    calm = [100] * 60
    odd = forecast(days(*calm, 900), days_left=10, first_weekday=MONDAY)
    lasting = forecast(days(*calm, *[200] * 10), days_left=10, first_weekday=MONDAY)

    assert float(odd.mid) == about(1000, 0.15)
    assert float(lasting.mid) == about(2000, 0.15)


def test_the_band_is_wider_for_who_wavers_and_for_who_looks_further():
    calm = days(*[100, 104, 97, 101, 99, 103, 98] * 8)
    wild = days(*[100, 190, 40, 150, 60, 170, 50, 120, 30] * 7)

    def width(seen):
        return (seen.high - seen.low) / seen.mid

    near, far = (forecast(calm, days_left=left, first_weekday=MONDAY) for left in (3, 25))
    wavering = forecast(wild, days_left=25, first_weekday=MONDAY)
    assert width(far) > width(near)
    assert width(wavering) > width(far)


def test_only_the_last_months_count():
    long_ago = forecast(days(*[9000] * 200, *[100] * 120), days_left=7, first_weekday=MONDAY)

    assert float(long_ago.mid) == about(700)
    assert long_ago.days == 120


@given(
    st.lists(st.decimals(min_value=-5, max_value=10**7, places=6), min_size=0, max_size=150),
    st.integers(0, 92),
    st.integers(0, 6),
)
def test_whatever_was_spent_the_band_is_in_order_and_finite(daily, left, weekday):
    seen = forecast(daily, days_left=left, first_weekday=weekday)

    if seen is not None:
        assert all(each.is_finite() for each in (seen.low, seen.mid, seen.high))
        assert 0 <= seen.low <= seen.mid <= seen.high


def test_a_simulated_year_is_the_same_for_the_same_seed_and_labelled():
    one, other = (list(years.simulated(3, seed=5)) for _ in range(2))

    assert one == other
    assert len({year.daily for year in one}) == 3
    assert all(0 <= each.first < len(year.daily) for year in one for each in year.happenings)
