"""What an answer of a provider means for an endpoint and its connection. Pure: the clock is an argument."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from providers.connectors.base import Outcome

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=15), timedelta(hours=6)
FIRST_SLOWDOWN, LONGEST_SLOWDOWN = timedelta(seconds=30), timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=1)
REFUSALS, REFUSED_FOR, ASK_AGAIN = 3, timedelta(hours=1), timedelta(minutes=30)
LOOK_AGAIN = timedelta(days=1)
BAD_REQUEST_PAUSE = timedelta(hours=6)
PARKED_AFTER = 5
EMPTY_AGAIN_AFTER = timedelta(hours=1)

AWAY = frozenset({Outcome.PROVIDER_DOWN, Outcome.UNEXPECTED})
CLOSED = frozenset({Outcome.MISSING_SCOPE, Outcome.WRONG_KEY_KIND})


@dataclass(frozen=True, slots=True)
class Tries:
    """How reading one endpoint has gone lately; `outcome` None means that it was not tried."""

    outcome: Outcome | None = None
    failures: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    last_success_at: datetime | None = None

    @property
    def is_down(self) -> bool:
        """Each failure stands for five tries that the client made within seconds."""
        return self.outcome in AWAY

    @property
    def is_closed(self) -> bool:
        """The credential may not read it, as far as we believe."""
        if self.outcome not in CLOSED:
            return False
        return self.last_success_at is None or self._refused_for_long

    @property
    def _refused_for_long(self) -> bool:
        return self.failures >= REFUSALS

    @property
    def is_unavailable(self) -> bool:
        return self.outcome is Outcome.NOT_AVAILABLE

    @property
    def may_be_read(self) -> bool:
        return not (self.is_closed or self.is_unavailable)

    @property
    def is_in_trouble(self) -> bool:
        return self.is_down or self.is_closed or self.outcome is Outcome.BAD_REQUEST


def worked(before: Tries, now: datetime) -> Tries:
    return Tries(Outcome.OK, last_success_at=now)


def failed(before: Tries, outcome: Outcome, now: datetime, *, retry_after: timedelta | None = None) -> Tries:
    """The endpoint after one more failure; `retry_after` is how long the provider asks to be left alone."""
    continues = before.failing_since is not None and _kind(before.outcome) == _kind(outcome)
    since = before.failing_since if continues and before.failing_since else now
    failures = before.failures + 1 if continues else 1
    after = replace(before, outcome=outcome, failures=failures, failing_since=since)
    if outcome in AWAY:
        return replace(after, retry_at=now + max(pause(failures), retry_after or timedelta(0)))
    if outcome in CLOSED:
        settled = after.is_closed and (before.last_success_at is None or now - since >= REFUSED_FOR)
        if not settled:  # a refusal of what worked is believed at the third time over an hour
            after = replace(after, failures=min(failures, REFUSALS - 1))
        return replace(after, retry_at=now + (LOOK_AGAIN if settled else ASK_AGAIN))
    if outcome is Outcome.BAD_REQUEST:
        return replace(after, retry_at=now + BAD_REQUEST_PAUSE)
    return replace(after, retry_at=now + LOOK_AGAIN)


def pause(failures: int) -> timedelta:
    """A quarter of an hour that doubles up to six hours."""
    return min(FIRST_PAUSE * (1 << min(failures - 1, 10)), LONGEST_PAUSE)


def slowed_until(now: datetime, *, slowdowns: int, retry_after: timedelta | None) -> datetime:
    """As long as the provider asks, at least our own growing pause, at most an hour."""
    own = min(FIRST_SLOWDOWN * (1 << min(slowdowns, 10)), LONGEST_SLOWDOWN)
    return now + min(max(own, retry_after or own), LONGEST_WAIT)


def is_refusal_believed(refusals: int, first_at: datetime, now: datetime) -> bool:
    """A key that worked is given up at its third refusal, an hour after the first."""
    return refusals >= REFUSALS and now - first_at >= REFUSED_FOR


def is_emptiness_believed(first_seen_empty: datetime | None, now: datetime) -> bool:
    return first_seen_empty is not None and now - first_seen_empty >= EMPTY_AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class EndpointNow:
    tries: Tries
    is_essential: bool
    unread: int
    incomplete: int = 0  # windows whose last reading had rows that could not be understood


def status(endpoints: Sequence[EndpointNow], *, is_refused: bool, is_slowed: bool, has_read: bool) -> str:
    """The state of a connection that reads: what one word is true of all its endpoints together."""
    essential = [one for one in endpoints if one.is_essential]
    if is_refused or any(one.tries.is_down for one in essential):
        return "failing"
    readable = [one for one in endpoints if one.tries.may_be_read]
    if essential and not any(one.tries.may_be_read for one in essential):
        return "broken"
    if any(one.unread and not one.tries.is_in_trouble for one in readable):
        return "backfilling" if has_read else "validating"
    incomplete = any(one.incomplete for one in endpoints)
    troubled = any(one.tries.is_in_trouble for one in endpoints)
    if is_slowed or incomplete or troubled or any(one.unread for one in readable):
        return "degraded"
    return "healthy"


def _kind(outcome: Outcome | None) -> str:
    if outcome in AWAY:
        return "away"
    return "closed" if outcome in CLOSED else str(outcome)
