"""Who hears of news: channels by the severity that they take, people by what they wish."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Membership, Organization
from accounts.permissions import Permission
from accounts.stopping import is_reachable
from budgets.alerting import timing
from budgets.alerting.models import SEVERITIES, Alert, AlertNews, AlertWish, Mailing, Severity, What
from budgets.channels.models import Channel, ChannelKind, Delivery
from tokentra.lib.doorbell import ring_on_commit

FOR_EVERYBODY = (What.FIRED, What.AGAIN, What.REVISED, What.RECOVERED)
FOR_ON_CALL = (What.ACKNOWLEDGED, What.RESOLVED, What.REOPENED)  # a pager that goes on ringing has to hear these too


def spread(news: AlertNews, alert: Alert, *, now: datetime) -> None:
    """Leave a delivery for each receiver, in the transaction that makes the news true; a worker sends them."""
    organization = Organization.objects.get(pk=alert.organization_id)
    if organization.is_sample:  # its alerts are there to be looked at, and wake nobody
        return
    rows = [*to_channels(news, alert, now=now)]
    if news.what in FOR_EVERYBODY:
        rows += to_people(organization, news, alert, now=now)
    if rows:
        Delivery.objects.bulk_create(rows)
        nudge()


def nudge() -> None:
    from budgets.tasks import deliver_alerts  # tasks import the sending, which imports models beside this module

    ring_on_commit(deliver_alerts)


def to_channels(news: AlertNews, alert: Alert, *, now: datetime) -> Iterator[Delivery]:
    for channel in Channel.objects.filter(organization_id=alert.organization_id).active():
        hears_all = channel.kind in (ChannelKind.PAGERDUTY, ChannelKind.WEBHOOK)
        is_theirs = news.what in FOR_EVERYBODY or (hears_all and news.what in FOR_ON_CALL)
        if is_theirs and is_as_severe(alert.severity, channel.least):
            yield Delivery(
                organization_id=alert.organization_id, news=news, channel=channel, created_at=now, next_try_at=now
            )


def to_people(organization: Organization, news: AlertNews, alert: Alert, *, now: datetime) -> Iterator[Delivery]:
    wishes = {wish.user_id: wish for wish in AlertWish.objects.owned_by(organization).filter(is_chosen=True)}
    zone = ZoneInfo(organization.timezone)
    for membership in Membership.objects.filter(organization=organization).select_related("user"):
        wish = wishes.get(membership.user_id) or usual(membership)
        if wish.mailing == Mailing.NONE or not is_as_severe(alert.severity, wish.least):
            continue
        if not is_reachable(membership.user):
            continue
        yield Delivery(
            organization_id=alert.organization_id,
            news=news,
            user=membership.user,
            created_at=now,
            in_digest=wish.mailing == Mailing.DIGEST,
            next_try_at=due_at(wish, alert, zone, now=now),
        )


def due_at(wish: AlertWish, alert: Alert, zone: ZoneInfo, *, now: datetime) -> datetime:
    """A critical alert waits for no morning; a digest comes at its hour whatever is in it."""
    if wish.mailing == Mailing.DIGEST:
        return timing.next_at(now, zone, wish.digest_at)
    if alert.severity == Severity.CRITICAL:
        return now
    return timing.after_quiet(now, zone, wish.quiet_from, wish.quiet_until)


def wish_of(membership: Membership) -> AlertWish:
    """What somebody wishes to hear; by their role while they have said nothing."""
    mine = AlertWish.objects.owned_by(membership.organization).filter(user=membership.user, is_chosen=True)
    return mine.first() or usual(membership)


def usual(membership: Membership) -> AlertWish:
    """Who answers for the money hears of everything by mail, the others look when they like."""
    mailing = Mailing.AT_ONCE if membership.may(Permission.MANAGE_BUDGETS) else Mailing.NONE
    return AlertWish(organization=membership.organization, user=membership.user, mailing=mailing)


def is_as_severe(severity: str, least: str) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)
