"""Deliveries that are due: claimed by a lease, sent outside any transaction, and how it went is noted.

A delivery that was cut off after it arrived comes once more, under the same id and with the same body. Sums need
not be up to date here: what is said was written down, and must not wait for calls that come in.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db.models import F, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone

from budgets.alerting import telling
from budgets.channels import kinds, outcomes, payloads, sealing, writing
from budgets.channels.models import Channel, ChannelKind, Delivery
from budgets.channels.outcomes import Outcome
from budgets.channels.payloads import Message
from tokentra.lib import chaos, crypto
from tokentra.lib.egress import BadAddress, Wall, checked
from tokentra.lib.http import CallFailed
from tokentra.lib.posting import post
from tokentra.lib.secret import Secret
from tokentra.lib.tenancy import as_sweep, organization_scope

log = logging.getLogger(__name__)

STEP = 10  # seconds: a task is a short step, the next ring comes back for the rest
LEASE = timedelta(seconds=90)
A_LITTLE = timedelta(seconds=1)
AT_ONCE = 200
SLOW, GIVES_WAY = timedelta(seconds=1), 3


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery to a channel, with all that sending it needs; `tries` counts this one."""

    delivery: Delivery
    channel: Channel
    message: Message


def deliver_due() -> int:
    """Send for some seconds; returns how many arrived or were handed to the outbox.

    Letters wait for nobody's answer, so they go first.
    """
    sent, until = 0, monotonic() + STEP
    waiting = due()
    for only_letters in (True, False):
        for organization_id, delivery_id in waiting:
            if monotonic() > until:
                telling.nudge()
                return sent
            try:
                sent += deliver(organization_id, delivery_id, only_letters=only_letters)
            except Exception:  # one that fails must not keep the others waiting; its lease brings it back
                log.exception("delivery %s failed", delivery_id)
    return sent


def due() -> list[tuple[UUID, UUID]]:
    """The longest due first, the organizations in turns: one that has many waiting keeps nobody from the step."""
    turn = Window(RowNumber(), partition_by=F("organization_id"), order_by=["next_try_at", "pk"])
    with as_sweep():
        marks = Delivery.objects.due().annotate(turn=turn).order_by("turn", "next_try_at", "pk")
        return list(marks.values_list("organization_id", "pk")[:AT_ONCE])


def deliver(organization_id: UUID, delivery_id: UUID, *, only_letters: bool = False) -> bool:
    with organization_scope(organization_id, up_to_date=False):
        mine = Delivery.objects.filter(organization_id=organization_id, pk=delivery_id).due()
        held = mine.select_for_update(of=("self",), skip_locked=True).first()
        if held is None:
            return False
        is_letter = held.channel is None or held.channel.kind == ChannelKind.EMAIL
        if only_letters and not is_letter:
            return False
        if held.channel and (is_closed(held, held.channel, now=timezone.now()) or comes_later(held)):
            return False
        if held.channel is None or is_letter:
            writing.hand_over(held, now=timezone.now())  # in this transaction: written once, whoever is killed
            chaos.point("alerts.mail_written")
            return True
        claimed = claim(held, held.channel)
    chaos.point("alerts.claimed")
    began = monotonic()
    outcome = send(claimed)
    took = timedelta(seconds=monotonic() - began)
    chaos.point("alerts.sent")
    with organization_scope(organization_id, up_to_date=False):
        outcomes.note(claimed.delivery, claimed.channel, outcome, now=timezone.now())
        if took > SLOW:
            give_way(organization_id, took)
    return outcome.is_delivered


def give_way(organization_id: UUID, took: timedelta) -> None:
    """Whoever kept the sender waiting waits three times as long with its other posts: so one organization, whatever
    number of receivers that hang it has, takes a quarter of the sender at most. Letters go on.
    """
    mine = Delivery.objects.filter(organization_id=organization_id).due()
    mine.filter(channel__isnull=False).exclude(channel__kind=ChannelKind.EMAIL).update(
        next_try_at=Now() + GIVES_WAY * took
    )


def is_closed(held: Delivery, channel: Channel, *, now: datetime) -> bool:
    """Nothing goes to a channel that was disabled or removed; a test goes to one that is only disabled."""
    if channel.is_active or (held.news_id is None and channel.removed_at is None):
        return False
    mine = Delivery.objects.filter(organization_id=held.organization_id, pk=held.pk)
    mine.update(given_up_at=now, next_try_at=None, problem="The channel was disabled or removed.")
    return True


def comes_later(held: Delivery) -> bool:
    """What was said of the alert before goes there first: a pager that hears the end first rings for good."""
    if held.news is None:
        return False
    mine = Delivery.objects.filter(organization_id=held.organization_id)
    there = mine.filter(channel=held.channel_id, news__alert=held.news.alert_id, pk__lt=held.pk)
    before = there.waiting().filter(next_try_at__isnull=False).order_by("next_try_at").last()
    if before is None or before.next_try_at is None:
        return False
    mine.filter(pk=held.pk).update(next_try_at=before.next_try_at + A_LITTLE)
    return True


def claim(held: Delivery, channel: Channel) -> Claimed:
    """The lease is the next try's time, by the database's clock: whoever dies meanwhile is followed by another."""
    mine = Delivery.objects.filter(organization_id=held.organization_id, pk=held.pk)
    mine.update(next_try_at=Now() + LEASE, tries=F("tries") + 1)
    held.tries += 1
    return Claimed(held, channel, writing.message_of(held))


def send(claimed: Claimed) -> Outcome:
    """One try. It opens the secrets in a scope of their own and calls outside of it."""
    channel = claimed.channel
    try:
        with organization_scope(channel.organization_id, up_to_date=False):
            secrets = sealing.unseal(channel)
        url, body, headers = request_of(claimed, secrets)
    except (crypto.DoesNotOpen, crypto.UnknownMaster, KeyError):
        return outcomes.unreadable()
    except BadAddress as reason:
        return outcomes.bad_address(str(reason))
    try:
        status, wait = post(url, body, headers=headers, wall=Wall())
    except CallFailed as failure:
        return outcomes.no_answer(failure.reason)
    return outcomes.answered(status, wait)


def request_of(claimed: Claimed, secrets: dict[str, Secret]) -> tuple[str, bytes, dict[str, str]]:
    """Address, body and headers. The body is the same at every try, so that its receiver knows it again."""
    kind, message = kinds.BY_ID[claimed.channel.kind], claimed.message
    address = sealing.address(secrets)
    headers: dict[str, str] = {}
    if kind.id == ChannelKind.PAGERDUTY:
        return settings.PAGERDUTY_URL or kind.url, written(payloads.pagerduty(message, address)), headers
    url = checked(address, suffixes=kind.suffixes)
    if kind.id == ChannelKind.SLACK:
        return url, written(payloads.slack(message)), headers
    if kind.id == ChannelKind.TEAMS:
        return url, written(payloads.teams(message)), headers
    body = written(payloads.webhook(message))
    return url, body, payloads.signed(message.id, body, sealing.signing(secrets), now=timezone.now())


def written(payload: dict[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True).encode()
