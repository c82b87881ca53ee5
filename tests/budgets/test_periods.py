"""Periods of a calendar in every zone (B57): no gap, no overlap, and they begin when the zone's clocks say so."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo, available_timezones

import pytest

from budgets.rules.periods import DAY, SECOND, Every, Rule, after, before, begins, days_around, span_at, span_of

FIRST, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
STEP = timedelta(days=14)  # no two changes of one zone are closer
RULES = [Rule(Every.WEEK), Rule(Every.MONTH), Rule(Every.QUARTER), Rule(Every.CUSTOM, date(2003, 1, 31), 1)]


def offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset()


def transitions(zone: ZoneInfo) -> Iterator[datetime]:
    """The first second of each new offset of a zone from 2000 to 2037."""
    moment, held = FIRST, offset(zone, FIRST)
    while moment < END:
        follows = offset(zone, moment + STEP)
        if held != follows:
            low, high = moment, moment + STEP
            while high - low > SECOND:
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if offset(zone, middle) == held else (low, middle)
            yield high
        moment, held = moment + STEP, follows


def different_zones() -> dict[tuple[tuple[datetime, timedelta], ...], str]:
    """One name for each history of clocks; many names lead to the same file."""
    files = {file_of(name): name for name in sorted(available_timezones(), reverse=True)}
    found = {}
    for name in files.values():
        zone = ZoneInfo(name)
        history = ((FIRST, offset(zone, FIRST)), *((at, offset(zone, at)) for at in transitions(zone)))
        found.setdefault(history, name)
    return found


def file_of(name: str) -> bytes:
    for place in TZPATH:
        if (Path(place) / name).is_file():
            return (Path(place) / name).read_bytes()
    return name.encode()  # of the package tzdata


def test_b57_every_instant_lies_in_exactly_one_period_in_every_zone_at_every_change_of_clocks():
    zones = different_zones()
    wrong, looked_at = [], 0

    for history, name in zones.items():
        zone = ZoneInfo(name)
        for place, (at, _) in enumerate(history):
            rules = [Rule(Every.DAY), RULES[place % len(RULES)]]
            for rule in rules:
                for moment in (at - SECOND, at, at + timedelta(hours=12)):
                    span = span_at(moment, zone, rule)
                    looked_at += 1
                    if not (
                        span.holds(moment)
                        and after(span, zone, rule).start == span.end
                        and before(span, zone, rule).end == span.start
                        and span_at(span.start, zone, rule) == span == span_at(span.end - SECOND, zone, rule)
                    ):
                        wrong.append((name, rule.every, moment))

    assert wrong == []
    assert len(zones) > 150
    assert looked_at > 20_000


def test_b57_every_period_begins_with_the_first_second_of_its_day_on_the_zones_clocks():
    wrong = [
        (name, moment)
        for name in ("America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu",
                     "Australia/Lord_Howe", "Pacific/Chatham", "America/Havana", "Europe/Lisbon", "Asia/Tehran")
        for at in transitions(ZoneInfo(name))
        for moment in [begins(ZoneInfo(name), at.astimezone(ZoneInfo(name)).date())]
        if not is_first_second(moment, ZoneInfo(name))
    ]  # fmt: skip

    assert wrong == []


def is_first_second(moment: datetime, zone: ZoneInfo) -> bool:
    day = moment.astimezone(zone).date()
    return (moment - SECOND).astimezone(zone).date() < day


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("UTC", date(2026, 11, 1), "2026-11-01T00:00", 24),
        ("Asia/Kolkata", date(2026, 11, 1), "2026-10-31T18:30", 24),
        ("Asia/Kathmandu", date(2026, 11, 1), "2026-10-31T18:15", 24),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00", 25),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00", 23),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30", 23.5),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00", 23),  # midnight was left out
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00", 23),  # as above
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", 0),  # the whole day was left out
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00", 24),
    ],
)
def test_b57_days_are_as_long_as_the_zones_clocks_make_them(zone, day, start, hours):
    span = span_of(day, ZoneInfo(zone), Rule(Every.DAY))

    assert span.start == datetime.fromisoformat(f"{start}+00:00")
    assert span.end - span.start == timedelta(hours=hours)


def test_an_instant_that_repeats_the_date_of_a_day_that_is_over_lies_in_the_period_that_goes_on():
    """In Newfoundland clocks went from 00:01 back to 23:01 of the day before."""
    zone = ZoneInfo("America/St_Johns")
    again = datetime(2007, 11, 4, 2, 45, tzinfo=UTC)

    assert again.astimezone(zone).date() == date(2007, 11, 3)
    assert span_at(again, zone, Rule(Every.DAY)).first_day == date(2007, 11, 4)


@pytest.mark.parametrize(
    ("rule", "day", "first", "end"),
    [
        (Rule(Every.DAY), date(2026, 2, 28), date(2026, 2, 28), date(2026, 3, 1)),
        (Rule(Every.WEEK), date(2026, 11, 26), date(2026, 11, 23), date(2026, 11, 30)),
        (Rule(Every.WEEK), date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 30)),
        (Rule(Every.WEEK), date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 4)),
        (Rule(Every.MONTH), date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        (Rule(Every.MONTH), date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        (Rule(Every.QUARTER), date(2026, 11, 26), date(2026, 10, 1), date(2027, 1, 1)),
        (Rule(Every.QUARTER), date(1999, 3, 31), date(1999, 1, 1), date(1999, 4, 1)),
        (Rule(Every.CUSTOM, date(2026, 1, 15), 1), date(2026, 11, 14), date(2026, 10, 15), date(2026, 11, 15)),
        (Rule(Every.CUSTOM, date(2026, 1, 15), 1), date(2026, 11, 15), date(2026, 11, 15), date(2026, 12, 15)),
        (Rule(Every.CUSTOM, date(2026, 1, 31), 1), date(2026, 2, 27), date(2026, 1, 31), date(2026, 2, 28)),
        (Rule(Every.CUSTOM, date(2026, 1, 31), 1), date(2026, 2, 28), date(2026, 2, 28), date(2026, 3, 31)),
        (Rule(Every.CUSTOM, date(2026, 1, 31), 1), date(2028, 2, 29), date(2028, 2, 29), date(2028, 3, 31)),
        (Rule(Every.CUSTOM, date(2026, 1, 31), 3), date(2026, 4, 30), date(2026, 4, 30), date(2026, 7, 31)),
        (Rule(Every.CUSTOM, date(2026, 4, 10), 12), date(2026, 4, 9), date(2025, 4, 10), date(2026, 4, 10)),
        (Rule(Every.CUSTOM, date(2026, 5, 31), 2), date(2026, 1, 1), date(2025, 11, 30), date(2026, 1, 31)),
    ],
)
def test_periods_follow_the_calendar_and_their_anchor(rule, day, first, end):
    assert days_around(day, rule) == (first, end)


def test_custom_periods_of_any_anchor_leave_no_day_out_and_take_none_twice():
    for anchor in (date(2024, 1, 29), date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 29), date(2024, 12, 1)):
        for months in (1, 2, 5, 12):
            rule = Rule(Every.CUSTOM, anchor, months)
            day = date(2023, 1, 1)
            while day < date(2029, 1, 1):
                first, end = days_around(day, rule)
                assert first <= day < end
                assert days_around(end, rule)[0] == end
                assert days_around(end - DAY, rule) == (first, end)
                day = end


def test_the_instants_of_a_period_are_those_of_its_days():
    span = span_of(date(2026, 10, 20), ZoneInfo("Europe/Paris"), Rule(Every.MONTH))

    assert [span.start.isoformat(), span.end.isoformat()] == ["2026-09-30T22:00:00+00:00", "2026-10-31T23:00:00+00:00"]
    assert len(span.days) == 31
    assert span.last_day == date(2026, 10, 31)
    assert datetime.combine(span.first_day, time.min, ZoneInfo("Europe/Paris")) == span.start


@pytest.mark.parametrize("every", [Every.DAY, Every.WEEK, Every.MONTH, Every.QUARTER])
def test_the_period_before_ends_where_this_one_begins(every):
    span = span_at(datetime(2026, 3, 30, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"), Rule(every))

    earlier = before(span, ZoneInfo("Europe/Berlin"), Rule(every))

    assert (earlier.end, earlier.end_day) == (span.start, span.first_day)
    assert after(earlier, ZoneInfo("Europe/Berlin"), Rule(every)) == span
