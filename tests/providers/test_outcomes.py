"""What answers mean: endpoints, refusals, pauses, the one word for all (reliability §3.4, decisions 23, 24)."""

from datetime import UTC, datetime, timedelta

import pytest

from providers import outcomes
from providers.connectors.base import Outcome
from providers.outcomes import EndpointNow, Tries, failed, worked

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WORKS = worked(Tries(), NOW)


def after(*outcomes_: Outcome, before: Tries = WORKS, every: timedelta = 30 * MINUTE) -> Tries:
    tries, at = before, NOW
    for outcome in outcomes_:
        tries = failed(tries, outcome, at)
        at += every
    return tries


def test_s3_4_an_outage_is_tried_again_after_a_quarter_of_an_hour_that_doubles_up_to_six_hours():
    pauses = [outcomes.pause(failures) for failures in range(1, 9)]

    assert pauses == [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR]


def test_s3_4_an_outage_remembers_since_when():
    tries = after(Outcome.PROVIDER_DOWN, Outcome.UNEXPECTED, Outcome.PROVIDER_DOWN)

    assert tries.failing_since == NOW
    assert tries.failures == 3
    assert tries.is_down
    assert tries.last_success_at == NOW


def test_a_success_forgets_the_outage():
    assert worked(after(Outcome.PROVIDER_DOWN), NOW) == WORKS


@pytest.mark.parametrize(
    ("asked", "slowdowns", "wait"),
    [
        (None, 0, timedelta(seconds=30)),
        (None, 3, 4 * MINUTE),
        (None, 30, 15 * MINUTE),
        (timedelta(seconds=5), 0, timedelta(seconds=30)),
        (timedelta(minutes=20), 0, 20 * MINUTE),
        (timedelta(days=9), 0, HOUR),
    ],
)
def test_s3_4_a_rate_limit_waits_for_the_longer_of_header_and_own_pause_up_to_an_hour(asked, slowdowns, wait):
    assert outcomes.slowed_until(NOW, slowdowns=slowdowns, retry_after=asked) == NOW + wait


def test_decision_24_a_key_that_worked_is_given_up_at_the_third_refusal_over_an_hour():
    first = NOW

    assert not outcomes.is_refusal_believed(1, first, NOW)
    assert not outcomes.is_refusal_believed(3, first, NOW + 59 * MINUTE)
    assert not outcomes.is_refusal_believed(2, first, NOW + 2 * HOUR)
    assert outcomes.is_refusal_believed(3, first, NOW + HOUR)


def test_decision_23_emptiness_is_believed_when_seen_twice_an_hour_apart():
    assert not outcomes.is_emptiness_believed(None, NOW)
    assert not outcomes.is_emptiness_believed(NOW, NOW + 59 * MINUTE)
    assert outcomes.is_emptiness_believed(NOW, NOW + HOUR)


def test_a_missing_scope_that_never_worked_is_believed_at_once_and_looked_at_daily():
    tries = after(Outcome.MISSING_SCOPE, before=Tries())

    assert tries.is_closed
    assert tries.retry_at == NOW + timedelta(days=1)


def test_a_missing_scope_of_what_worked_is_believed_at_the_third_time_over_an_hour():
    once, twice = after(Outcome.MISSING_SCOPE), after(Outcome.MISSING_SCOPE, Outcome.MISSING_SCOPE)
    quickly = after(*[Outcome.MISSING_SCOPE] * 5, every=MINUTE)
    in_time = after(*[Outcome.MISSING_SCOPE] * 3)

    assert not once.is_closed
    assert once.retry_at == NOW + 30 * MINUTE
    assert not twice.is_closed
    assert not quickly.is_closed
    assert in_time.is_closed


def test_what_is_not_offered_is_not_asked_for_hourly():
    tries = after(Outcome.NOT_AVAILABLE)

    assert tries.is_unavailable
    assert tries.retry_at == NOW + timedelta(days=1)


def status(*endpoints: EndpointNow, refused: bool = False, slowed: bool = False, has_read: bool = True) -> str:
    return outcomes.status(endpoints, is_refused=refused, is_slowed=slowed, has_read=has_read)


def endpoint(tries: Tries = WORKS, *, essential: bool = True, unread: int = 0, incomplete: int = 0) -> EndpointNow:
    return EndpointNow(tries, essential, unread, incomplete)


CLOSED = after(Outcome.MISSING_SCOPE, before=Tries())
DOWN = after(Outcome.PROVIDER_DOWN)
UNAVAILABLE = after(Outcome.NOT_AVAILABLE)


@pytest.mark.parametrize(
    ("said", "endpoints", "more"),
    [
        ("validating", [endpoint(Tries(), unread=3)], {"has_read": False}),
        ("backfilling", [endpoint(unread=3)], {}),
        ("backfilling", [endpoint(unread=3)], {"slowed": True}),
        ("backfilling", [endpoint(), endpoint(CLOSED, essential=False), endpoint(unread=1)], {}),
        ("healthy", [endpoint(), endpoint(essential=False)], {}),
        ("healthy", [endpoint(), endpoint(UNAVAILABLE, essential=False, unread=9)], {}),
        ("degraded", [endpoint()], {"slowed": True}),
        ("degraded", [endpoint(), endpoint(CLOSED, essential=False, unread=9)], {}),
        ("degraded", [endpoint(), endpoint(DOWN, essential=False, unread=9)], {}),
        ("degraded", [endpoint(), endpoint(incomplete=1)], {}),
        ("degraded", [endpoint(), endpoint(after(Outcome.BAD_REQUEST))], {}),
        ("failing", [endpoint(), endpoint(DOWN)], {}),
        ("failing", [endpoint(unread=5), endpoint(DOWN, unread=5)], {}),
        ("failing", [endpoint()], {"refused": True}),
        ("broken", [endpoint(CLOSED), endpoint(CLOSED)], {}),
    ],
)
def test_one_word_for_all_endpoints_together(said, endpoints, more):
    assert status(*endpoints, **more) == said
