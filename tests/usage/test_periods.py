from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentra.lib.periods import (
    PRESETS,
    BadPeriod,
    Grain,
    Period,
    custom,
    day_in,
    floor,
    hours_in,
    period,
)

NOW = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)


def spelled(asked: Period) -> tuple[str, str]:
    return f"{asked.start:%m-%dT%H}", f"{asked.end:%m-%dT%H}"


@pytest.mark.parametrize(
    ("preset", "start", "end"),
    [
        ("today", "11-20T00", "11-21T00"),
        ("24h", "11-19T20", "11-20T20"),
        ("7d", "11-14T00", "11-21T00"),
        ("30d", "10-22T00", "11-21T00"),
        ("90d", "08-23T00", "11-21T00"),
        ("month", "11-01T00", "11-21T00"),
        ("last_month", "10-01T00", "11-01T00"),
    ],
)
def test_presets_are_half_open_and_count_today(preset, start, end):
    assert spelled(period(preset, NOW)) == (start, end)


@pytest.mark.parametrize(
    ("preset", "start", "end"),
    [
        ("today", "11-19T00", "11-20T00"),
        ("24h", "11-18T20", "11-19T20"),
        ("7d", "11-07T00", "11-14T00"),
        ("month", "10-01T00", "10-21T00"),
        ("last_month", "09-01T00", "10-01T00"),
    ],
)
def test_the_period_before_is_as_long_or_the_same_days_of_the_month(preset, start, end):
    assert spelled(period(preset, NOW).previous()) == (start, end)


def test_the_month_before_march_ends_with_february():
    march = period("month", datetime(2026, 3, 31, 12, tzinfo=UTC))

    assert spelled(march.previous()) == ("02-01T00", "03-01T00")


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from(PRESETS))  # noqa: DTZ001  # made aware below
def test_periods_follow_each_other_without_gap_or_overlap(now, preset):
    asked = period(preset.key, now.replace(tzinfo=UTC))

    before = asked.previous()

    assert before.end <= asked.start
    if preset.key != "month":
        assert before.end == asked.start
    assert len(asked.days) == (asked.end_day - asked.first_day).days
    assert asked.label == preset.label


def test_a_range_by_dates_ends_before_its_second_date():
    asked = custom("2026-01-31", "2026-02-02")

    assert asked.days == [date(2026, 1, 31), date(2026, 2, 1)]
    assert asked.is_whole_days
    assert asked.label == "31 Jan 2026 to 1 Feb 2026"


def test_an_instant_may_have_any_offset():
    asked = custom("2026-01-31T23:00:00+02:00", "2026-01-31T22:30:00Z")

    assert (asked.end - asked.start, asked.is_whole_days) == (timedelta(minutes=90), False)


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("2026-02-01", "2026-02-01", "after the start"),
        ("2026-02-02", "2026-02-01", "after the start"),
        ("2026-02-30", "2026-03-01", "Write dates as"),
        ("", "2026-03-01", "Write dates as"),
        ("2026-02-01T10:00:00", "2026-03-01", "offset"),
        ("2020-01-01", "2026-01-01", "three years"),
    ],
)
def test_a_range_that_makes_no_sense_is_explained(start, end, sentence):
    with pytest.raises(BadPeriod, match=sentence):
        custom(start, end)


def test_an_unknown_preset_is_refused():
    with pytest.raises(BadPeriod):
        period("forever", NOW)


@pytest.mark.parametrize(
    ("grain", "starts"),
    [
        (Grain.DAY, ["11-14T00", "11-15T00", "11-16T00", "11-17T00", "11-18T00", "11-19T00", "11-20T00"]),
        (Grain.WEEK, ["11-09T00", "11-16T00"]),
        (Grain.MONTH, ["11-01T00"]),
    ],
)
def test_steps_begin_where_their_bucket_begins(grain, starts):
    assert [f"{start:%m-%dT%H}" for start in period("7d", NOW).steps(grain)] == starts


def test_months_follow_each_other_over_the_year():
    months = custom("2025-11-30", "2026-03-01").steps(Grain.MONTH)

    assert [f"{start:%Y-%m}" for start in months] == ["2025-11", "2025-12", "2026-01", "2026-02"]


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from(list(Grain)))  # noqa: DTZ001  # made aware below
def test_every_moment_is_in_the_first_step_of_a_period_from_it(moment, grain):
    moment = moment.replace(tzinfo=UTC)
    span = Period(moment, moment + timedelta(days=40))
    starts = list(span.steps(grain))

    assert starts[0] == floor(moment, grain) <= moment
    assert starts == sorted(set(starts))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Asia/Kolkata", date(2026, 6, 1), 24),
        ("Africa/Cairo", date(2026, 4, 24), 23),
    ],
)
def test_a_calendar_day_of_a_zone_is_as_long_as_it_is(zone, day, hours):
    span = day_in(ZoneInfo(zone), day)

    assert (span.end - span.start) == timedelta(hours=hours)


def test_a_repeated_hour_comes_twice():
    zone = ZoneInfo("Europe/Berlin")
    walls = [wall.hour for _, wall in hours_in(zone, day_in(zone, date(2026, 10, 25)))]

    assert walls.count(2) == 2


def test_a_period_is_made_of_utc_instants():
    with pytest.raises(ValueError, match="UTC"):
        Period(NOW.astimezone(ZoneInfo("Europe/Berlin")), NOW + timedelta(days=1))
