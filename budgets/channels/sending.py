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
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

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
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery to a channel, with all that sending it needs; `tries` counts this one."""

    delivery: Delivery
    channel: Channel
    message: Message


def deliver_due() -> int:
    """Send for some seconds, the longest due first; returns how many arrived or were handed to the outbox."""
    sent, until = 0, monotonic() + STEP
    for organization_id, delivery_id in due():
        if monotonic() > until:
            break
        try:
            sent += deliver(organization_id, delivery_id)
        except Exception:  # one that fails must not keep the others waiting; its lease brings it back
            log.exception("delivery %s failed", delivery_id)
    return sent


def due() -> list[tuple[UUID, UUID]]:
    with as_sweep():
        marks = Delivery.objects.due().order_by("next_try_at")
        return list(marks.values_list("organization_id", "pk")[:AT_ONCE])


def deliver(organization_id: UUID, delivery_id: UUID) -> bool:
    with organization_scope(organization_id, up_to_date=False):
        mine = Delivery.objects.filter(organization_id=organization_id, pk=delivery_id).due()
        held = mine.select_for_update(of=("self",), skip_locked=True).first()
        if held is None:
            return False
        if held.user_id or (held.channel and held.channel.kind == ChannelKind.EMAIL):
            writing.hand_over(held, now=timezone.now())  # in this transaction: written once, whoever is killed
            chaos.point("alerts.mail_written")
            return True
        claimed = claim(held, now=timezone.now())
    chaos.point("alerts.claimed")
    if claimed is None:
        return False
    outcome = send(claimed)
    chaos.point("alerts.sent")
    with organization_scope(organization_id, up_to_date=False):
        outcomes.note(claimed.delivery, claimed.channel, outcome, now=timezone.now())
    return outcome.is_delivered


def claim(held: Delivery, *, now: datetime) -> Claimed | None:
    """The lease is the next try's time, by the database's clock: whoever dies meanwhile is followed by another."""
    channel = held.channel
    mine = Delivery.objects.filter(organization_id=held.organization_id, pk=held.pk)
    if channel is None or not (channel.is_active or (held.news_id is None and channel.removed_at is None)):
        mine.update(given_up_at=now, next_try_at=None, problem="The channel was disabled or removed.")
        return None
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
