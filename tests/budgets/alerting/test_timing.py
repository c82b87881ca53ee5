"""When a person hears of something: quiet hours over midnight, and clocks that jump."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from budgets.alerting.timing import after_quiet, is_quiet, next_at

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("at", "first", "last", "quiet"),
    [
        ("22:00", "22:00", "06:00", True), ("12:00", "12:00", "14:00", True),
        ("23:00", "22:00", "06:00", True), ("05:59", "22:00", "06:00", True), ("06:00", "22:00", "06:00", False),
        ("21:59", "22:00", "06:00", False), ("13:00", "12:00", "14:00", True), ("14:00", "12:00", "14:00", False),
        ("13:00", "13:00", "13:00", False), ("13:00", None, None, False),
    ],
)  # fmt: skip
def test_quiet_hours_hold_their_beginning_and_not_their_end(at, first, last, quiet):
    ends = [None if each is None else time.fromisoformat(each) for each in (first, last)]

    assert is_quiet(time.fromisoformat(at), *ends) is quiet


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T12:00+00:00", "2026-11-20T12:00+00:00"),
        ("2026-11-20T22:30+00:00", "2026-11-21T05:00+00:00"),
        ("2026-11-21T03:00+00:00", "2026-11-21T05:00+00:00"),
        ("2026-03-28T23:30+00:00", "2026-03-29T04:00+00:00"),  # the night loses an hour
        ("2026-10-24T22:30+00:00", "2026-10-25T05:00+00:00"),  # and gains one
    ],
)
def test_what_happens_at_night_is_heard_when_the_clock_of_the_zone_shows_morning(now, until):
    heard = after_quiet(datetime.fromisoformat(now), BERLIN, time(22), time(6))

    assert heard == datetime.fromisoformat(until)


def test_a_digest_comes_at_its_hour_and_never_at_once():
    at_eight = datetime(2026, 11, 20, 7, tzinfo=UTC)

    assert next_at(at_eight, BERLIN, time(8)) == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert next_at(at_eight, BERLIN, time(8, 1)) == datetime(2026, 11, 20, 7, 1, tzinfo=UTC)


def test_an_hour_that_the_clock_leaves_out_comes_just_after():
    before = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)

    assert next_at(before, BERLIN, time(2, 30)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
