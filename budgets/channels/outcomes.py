"""How a try went, and what follows: delivered, tried again for days, or not any more with a notice (B60, B61)."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now

from budgets.channels import writing
from budgets.channels.models import Channel, Delivery

log = logging.getLogger(__name__)

STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240)]
PATIENCE = timedelta(days=5)
LONGEST_WAIT = timedelta(hours=6)  # that we let somebody ask for
GONE = 410
WORDS = {
    400: "it does not understand the message",
    401: "it does not accept the key",
    403: "it does not let us post there",
    404: "nothing is at this address",
    GONE: "it says that nobody listens at this address any more",
    429: "it asked for fewer messages",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    problem: str = ""
    status: int | None = None
    wait: timedelta | None = None
    is_gone: bool = False  # nobody listens there any more

    @property
    def is_delivered(self) -> bool:
        return not self.problem


def answered(status: int, wait: timedelta | None) -> Outcome:
    if status < 300:
        return Outcome(status=status)
    return Outcome(f"{WORDS.get(status, 'it answered with an error')} ({status})", status, wait, status == GONE)


def no_answer(reason: str) -> Outcome:
    return Outcome(reason)


def unreadable() -> Outcome:
    return Outcome("its address could not be read; set the channel up anew", is_gone=True)


def bad_address(reason: str) -> Outcome:
    return Outcome(f"its address is not allowed: {reason}", is_gone=True)


def note(delivery: Delivery, channel: Channel, outcome: Outcome, *, now: datetime) -> None:
    """Write down how a try went, inside the scope."""
    mine = Delivery.objects.filter(organization_id=delivery.organization_id, pk=delivery.pk, delivered_at=None)
    if outcome.is_delivered:
        mine.update(delivered_at=now, next_try_at=None, problem="", status=outcome.status)
        return
    log.warning("alert %s was not taken at try %s: %s", delivery.pk, delivery.tries, outcome.problem)
    told = {"problem": outcome.problem[:300], "status": outcome.status}
    is_test = delivery.news_id is None
    if outcome.is_gone or is_test or now - delivery.created_at > PATIENCE:
        mine.update(given_up_at=now, next_try_at=None, **told)
    else:
        step = STEPS[min(delivery.tries - 1, len(STEPS) - 1)]
        pause = max(step, min(outcome.wait or timedelta(0), LONGEST_WAIT))
        mine.update(next_try_at=Now() + pause, **told)
        # what else waits for this channel would wait for the same answer, and hold up other channels
        others = Delivery.objects.filter(organization_id=delivery.organization_id, channel=channel).due()
        others.update(next_try_at=Now() + min(pause, STEPS[2]))
    if outcome.is_gone:
        disable(channel, outcome.problem, now=now)


def disable(channel: Channel, why: str, *, now: datetime) -> None:
    """Nothing is sent there any more, and who looks after channels hears of it; once, whoever notices."""
    mine = Channel.objects.filter(organization_id=channel.organization_id, pk=channel.pk, disabled_at=None)
    if not mine.update(disabled_at=now, why=why[:300]):
        return
    waiting = Delivery.objects.filter(organization_id=channel.organization_id, channel=channel).waiting()
    waiting.update(given_up_at=now, next_try_at=None, problem="The channel was disabled.")
    writing.notice(channel, why)
