"""Which days are read, in which order, how often."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import plan
from providers.connectors.base import Endpoint
from providers.plan import Stretch
from usage.rows import Ledger

TODAY = date(2026, 11, 20)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def endpoint(window_days: int = 7, **more: int) -> Endpoint:
    return Endpoint(
        "usage",
        "Usage",
        Ledger.USAGE,
        window_days,
        hot_days=2,
        hot_every=HOUR,
        deep_days=7,
        deep_every=DAY,
        **more,  # type: ignore[arg-type]  # history_days is a number
    )


@given(window_days=st.integers(1, 31), today=st.dates(date(2025, 1, 1), date(2030, 1, 1)))
def test_the_windows_cover_each_of_the_ninety_days_once(window_days, today):
    found = plan.stretches(endpoint(window_days), since=plan.history_from(today), today=today)

    days = [each.start + timedelta(days=n) for each in found for n in range(each.days)]
    wanted = [today - timedelta(days=n) for n in range(90)]
    assert len(days) == len(set(days))
    assert set(wanted) <= set(days)
    assert min(days) == wanted[-1]


@given(window_days=st.integers(1, 31), today=st.dates(date(2025, 1, 1), date(2030, 1, 1)), later=st.integers(0, 60))
def test_days_stay_in_the_window_where_they_were(window_days, today, later):
    since = plan.history_from(today)
    before = plan.stretches(endpoint(window_days), since=since, today=today)
    after = plan.stretches(endpoint(window_days), since=since, today=today + timedelta(days=later))

    assert set(before) <= set(after)


def test_an_endpoint_with_a_short_memory_is_asked_for_its_days_only():
    found = plan.stretches(endpoint(7, history_days=30), since=plan.history_from(TODAY), today=TODAY)

    assert min(each.start for each in found) == TODAY - timedelta(days=29)


def test_a_window_is_cut_at_today_and_at_the_providers_first_day():
    week = Stretch(date(2026, 11, 17), date(2026, 11, 24))

    assert week.cut(earliest=None, today=TODAY) == Stretch(date(2026, 11, 17), date(2026, 11, 21))
    assert week.cut(earliest=date(2026, 11, 19), today=TODAY).days == 2
    assert week.cut(earliest=date(2026, 12, 1), today=TODAY).days == 0


@pytest.mark.parametrize(
    ("ended_days_ago", "again_after"),
    [(-3, HOUR), (0, HOUR), (1, HOUR), (2, DAY), (6, DAY), (7, None), (60, None)],
)
def test_fresh_days_are_read_often_older_ones_daily_the_rest_not_again(ended_days_ago, again_after):
    end = TODAY - timedelta(days=ended_days_ago)
    read_at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    due = plan.next_due(endpoint(), Stretch(end - timedelta(days=7), end), read_at=read_at, today=TODAY)

    assert due == (read_at + again_after if again_after else None)


def test_the_first_screen_comes_first_and_the_newest_of_it_before_the_rest():
    def ago(days: int) -> Stretch:
        return Stretch(TODAY - timedelta(days=days + 7), TODAY - timedelta(days=days) + DAY)

    order = sorted(
        [(ago(60), 0), (ago(0), 1), (ago(28), 0), (ago(0), 0), (ago(40), 1)],
        key=lambda each: plan.rank(*each, today=TODAY),
    )

    assert order == [(ago(0), 0), (ago(0), 1), (ago(28), 0), (ago(40), 1), (ago(60), 0)]
