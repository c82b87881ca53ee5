"""When a letter has its place: the rules alone, with the clock as an argument."""

from datetime import UTC, datetime, timedelta

import pytest

from onboarding.timing import Letter, Standing, daytime, due, is_still_due, next_look

JOINED = datetime(2026, 3, 2, 10, tzinfo=UTC)
ENDS = JOINED + timedelta(days=14)


def at(days: float) -> datetime:
    return JOINED + timedelta(days=days)


def stuck(**changes: object) -> Standing:
    values = {"joined_at": JOINED, "can_connect": True, "takes_guidance": True} | changes
    return Standing(**values)


FIRST = {Letter.NO_PROVIDER: at(1)}
BOTH = FIRST | {Letter.NO_DATA: at(2)}


@pytest.mark.parametrize(
    ("days", "standing", "letter"),
    [
        (0.9, stuck(), None),
        (1, stuck(), Letter.NO_PROVIDER),
        (1.5, stuck(written=FIRST), None),
        (2, stuck(written=FIRST), Letter.NO_DATA),
        (5, stuck(), Letter.NO_PROVIDER),  # nobody looked for days: one letter, not two at once
        (5.5, stuck(written={Letter.NO_PROVIDER: at(5)}), None),
        (6, stuck(written={Letter.NO_PROVIDER: at(5)}), Letter.NO_DATA),
        (9, stuck(written=BOTH), None),
        (14, stuck(), None),
        (1.5, stuck(connected_at=at(0.5)), None),
        (2, stuck(connected_at=at(0.5)), Letter.NO_DATA),
        (2.5, stuck(connected_at=at(1.9)), None),  # connected an hour ago: what comes takes its time
        (2.9, stuck(connected_at=at(1.9)), Letter.NO_DATA),
        (3, stuck(has_data=True), None),
        (3, stuck(connected_at=at(0.5), has_data=True), None),
        (3, stuck(can_connect=False), None),
        (3, stuck(takes_guidance=False), None),
    ],
)
def test_one_letter_after_a_day_without_provider_and_one_after_two_without_data(days, standing, letter):
    assert due(standing, at(days)) is letter


@pytest.mark.parametrize(
    ("letter", "days", "standing", "still"),
    [
        (Letter.NO_PROVIDER, 4, stuck(written=FIRST), True),
        (Letter.NO_PROVIDER, 4, stuck(written=BOTH), False),  # the later one says it as well
        (Letter.NO_PROVIDER, 14, stuck(written=FIRST), False),
        (Letter.NO_PROVIDER, 4, stuck(written=FIRST, connected_at=at(2)), False),
        (Letter.NO_PROVIDER, 4, stuck(written=FIRST, takes_guidance=False), False),
        (Letter.NO_DATA, 4, stuck(written=BOTH), True),
        (Letter.NO_DATA, 4, stuck(written=BOTH, connected_at=at(3.5)), False),  # it will be due half a day later
        (Letter.NO_DATA, 4, stuck(written=BOTH, has_data=True), False),
    ],
)
def test_a_letter_that_waited_is_sent_only_if_it_would_be_written_now(letter, days, standing, still):
    assert is_still_due(letter, standing, at(days)) is still


def owner(**changes: object) -> Standing:
    return stuck(has_data=True, trial_ends_at=ENDS, hears_of_trial=True, **changes)


@pytest.mark.parametrize(
    ("days", "standing", "letter"),
    [
        (10.9, owner(), None),
        (11, owner(), Letter.TRIAL_3_DAYS),
        (12, owner(written={Letter.TRIAL_3_DAYS: at(11)}), None),
        (13, owner(written={Letter.TRIAL_3_DAYS: at(11)}), Letter.TRIAL_1_DAY),
        (13.5, owner(), Letter.TRIAL_1_DAY),  # nobody looked for days: the earlier one has lost its sense
        (13.5, owner(written={Letter.TRIAL_1_DAY: at(13)}), None),
        (14, owner(), None),
        (13, stuck(has_data=True, trial_ends_at=ENDS), None),
        (13, stuck(has_data=True, hears_of_trial=True), None),
    ],
)
def test_the_end_of_a_trial_is_told_three_days_and_one_day_before(days, standing, letter):
    assert due(standing, at(days)) is letter


@pytest.mark.parametrize(
    ("days", "standing", "looks"),
    [
        (0, stuck(), 1),
        (1, stuck(written=FIRST), 2),
        (2, stuck(written=BOTH), None),
        (1, stuck(connected_at=at(0.5)), 2),
        (2, stuck(connected_at=at(1.9)), 2.9),
        (3, stuck(takes_guidance=False), 4),
        (13.5, stuck(takes_guidance=False), 14.5),
        (14, stuck(takes_guidance=False), None),
        (0, stuck(has_data=True), None),
        (0, stuck(can_connect=False), None),
        (0, owner(), 11),
        (11, owner(written={Letter.TRIAL_3_DAYS: at(11)}), 13),
        (14, owner(), None),
    ],
)
def test_looks_are_as_many_as_there_is_something_to_look_for(days, standing, looks):
    assert next_look(standing, at(days)) == (None if looks is None else at(looks))


def test_no_standing_is_looked_at_for_ever():
    for standing in (
        stuck(),
        stuck(takes_guidance=False),
        stuck(connected_at=at(1)),
        owner(),
        stuck(trial_ends_at=ENDS),
    ):
        moment, looks = JOINED, 0
        while moment := next_look(standing, moment):
            looks += 1
            assert looks < 20


@pytest.mark.parametrize(
    ("moment", "zone", "morning"),
    [
        ("2026-03-02T08:00Z", "UTC", "2026-03-02T08:00Z"),
        ("2026-03-02T19:59Z", "UTC", "2026-03-02T19:59Z"),
        ("2026-03-02T20:00Z", "UTC", "2026-03-03T08:00Z"),
        ("2026-03-02T03:00Z", "UTC", "2026-03-02T08:00Z"),
        ("2026-03-02T20:00Z", "America/Los_Angeles", "2026-03-02T20:00Z"),
        ("2026-03-28T22:00Z", "Europe/Berlin", "2026-03-29T06:00Z"),  # the clocks go forward that night
        ("2026-03-02T22:00Z", "Asia/Kolkata", "2026-03-03T02:30Z"),
    ],
)
def test_nobody_is_written_to_at_night(moment, zone, morning):
    assert daytime(datetime.fromisoformat(moment), zone) == datetime.fromisoformat(morning)
