"""News in words: as a message for a channel, as a letter for a person, as one letter for a day."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts import letters
from accounts.mailed import OutboxMail
from accounts.models import Membership, Organization
from accounts.permissions import Permission
from accounts.stopping import is_reachable
from budgets.channels.models import Channel, Delivery
from budgets.channels.payloads import Message

LASTING = {
    "recovered": "It is over: this is so no longer.",
    "resolved": "It was resolved.",
    "reopened": "It was opened again.",
    "acknowledged": "It was acknowledged.",
    "again": "It was snoozed until now, and it is still so.",
}


def message_of(delivery: Delivery) -> Message:
    """What a delivery says, inside the scope: always the same for the same delivery."""
    organization = Organization.objects.get(pk=delivery.organization_id)
    if delivery.news is None:
        return Message(
            id=str(delivery.pk), alert=str(delivery.pk), what="test", at=delivery.created_at, kind="test",
            fired_at=delivery.created_at, severity="info", title="This channel works",
            text="It was tested from TokenTra. Alerts will look like this one.",
            url=address("alerts:channels"), organization=organization.name,
        )  # fmt: skip
    news, alert = delivery.news, delivery.news.alert
    said = news.text or LASTING.get(news.what, "")
    return Message(
        id=str(delivery.pk),
        alert=str(alert.pk),
        what=news.what,
        at=news.at,
        fired_at=alert.fired_at if news.what != "again" else news.at,
        kind=alert.kind,
        severity=alert.severity,
        title=alert.title,
        text=f"{said} {alert.text}".strip(),
        url=address("alerts:alert", alert.pk),
        organization=organization.name,
        numbers=tuple((name, value) for name, value in alert.numbers),
    )


def hand_over(held: Delivery, *, now: datetime) -> None:
    """Write the letter and note that it was, in one transaction: the outbox goes on from there."""
    mail = letter(held, now=now)
    mine = Delivery.objects.filter(organization_id=held.organization_id, pk=held.pk)
    if mail is None:
        mine.update(given_up_at=now, next_try_at=None, problem="Its reader belongs to the organization no longer.")
    else:
        mine.update(mail=mail, next_try_at=None, problem="")


def letter(held: Delivery, *, now: datetime) -> OutboxMail | None:
    if held.channel is not None:
        return write(held.channel.email, [message_of(held)], held, channel=held.channel)
    members = Membership.objects.filter(organization_id=held.organization_id, user=held.user_id)
    membership = members.select_related("user").first()
    if membership is None or not is_reachable(membership.user):
        return None
    if not held.in_digest:
        return write(membership.user.email, [message_of(held)], held)
    mine = Delivery.objects.filter(organization_id=held.organization_id, user=held.user_id, in_digest=True).due()
    together = list(mine.select_related("news__alert").select_for_update(of=("self",)).order_by("created_at"))
    mail = write(membership.user.email, [message_of(each) for each in together], held)
    Delivery.objects.filter(organization_id=held.organization_id, pk__in=[each.pk for each in together]).update(
        mail=mail, next_try_at=None
    )
    return mail


def write(to: str, messages: list[Message], held: Delivery, channel: Channel | None = None) -> OutboxMail:
    """One letter with one message, or with all of a day."""
    values = {
        "messages": messages,
        "message": messages[0],
        "organization": messages[0].organization,
        "channel": channel,
        "settings_url": address("alerts:channels" if channel else "alerts:wishes"),
        "alerts_url": address("alerts:list"),
    }
    return letters.write("alert_digest" if held.in_digest else "alert", to, values, about=None)


def notice(channel: Channel, why: str) -> None:
    """Tell who may change channels that this one is disabled."""
    organization = Organization.objects.get(pk=channel.organization_id)
    for membership in looked_after_by(organization):
        values = {"channel": channel, "organization": organization, "why": why, "url": address("alerts:channels")}
        letters.write("channel_disabled", membership.user.email, values)


def looked_after_by(organization: Organization) -> Iterable[Membership]:
    for membership in Membership.objects.filter(organization=organization).select_related("user"):
        if membership.may(Permission.MANAGE_BUDGETS) and is_reachable(membership.user):
            yield membership


def address(view: str, *args: object) -> str:
    return settings.SITE_URL + reverse(view, args=args)
