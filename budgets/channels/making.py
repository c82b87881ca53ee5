"""A channel is set up, tested, enabled again, given a new signing secret and removed, inside the scope."""

import secrets
from datetime import datetime, timedelta

from accounts import audit, journal
from accounts.disposable import is_disposable
from accounts.journal import Event
from accounts.models import Membership, Organization, User
from accounts.naming import FREE_MAIL, fold
from accounts.stopping import is_reachable
from budgets.alerting import telling
from budgets.channels import sealing
from budgets.channels.kinds import Kind
from budgets.channels.models import Channel, ChannelKind, Delivery
from tokentra.lib.problems import Problem
from tokentra.lib.secret import Secret

MOST = 20
TESTS_AT_ONCE = 3  # that wait for their answer
TESTS_A_DAY = 20  # to one channel
PREFIX = "whsec_"
DAY = timedelta(days=1)


def make(
    organization: Organization,
    kind: Kind,
    *,
    name: str,
    address: Secret,
    email: str,
    least: str,
    by: User,
    now: datetime,
) -> tuple[Channel, Secret | None]:
    """The channel, and for a webhook the secret that it signs with, which is shown this once."""
    organization.lock()
    if Channel.objects.owned_by(organization).kept().count() >= MOST:
        raise Problem(422, "too_many_channels", f"An organization has up to {MOST} channels. Remove one first.")
    if kind.id == ChannelKind.EMAIL:
        refuse_strangers(organization, email)
    channel = Channel.objects.create(
        organization=organization, kind=kind.id, name=name, email=email, shown=shown(kind, address), least=least,
        created_by=by, created_at=now,
    )  # fmt: skip
    signing = Secret(PREFIX + secrets.token_urlsafe(32)) if kind.id == ChannelKind.WEBHOOK else None
    if kind.asks:
        sealing.seal(channel, {sealing.ADDRESS: address}, now=now)
    if signing:
        sealing.add_signing(channel, signing, now=now)
    audit.note("channel_made", organization, by, about=channel, kind=kind.id, name=name)
    journal.record(Event.ALERT_CREATED, by, organization, kind=f"channel_{kind.id}")
    return channel, signing


def refuse_strangers(organization: Organization, email: str) -> None:
    """Letters go to mailboxes of the house: an address shares its domain with that of a member whom letters reach.

    Where anybody may have a mailbox, the domain says nothing, and it has to be a member's own address.
    """
    members = Membership.objects.filter(organization=organization).select_related("user")
    known = {fold(each.user.email) for each in members if is_reachable(each.user)}
    address = fold(email)
    domain = address.rpartition("@")[2]
    is_theirs = address in known if domain in FREE_MAIL else domain in {each.rpartition("@")[2] for each in known}
    if is_disposable(email) or not is_theirs:
        raise Problem(
            422, "foreign_address", "Use an address at the domain of one of your members, or invite the person."
        )


def shown(kind: Kind, address: Secret) -> str:
    """What tells the address from others without giving it away: its host and last four characters."""
    if not kind.asks:
        return ""
    host = "" if kind.url else sealing.host_of(address)
    return " ".join(part for part in (host, f"…{address.last_four}" if address.last_four else "") if part)[:120]


def test(channel: Channel, *, by: User, now: datetime) -> Delivery:
    """A message that says that it is a test, on its way like any other."""
    tests = Delivery.objects.owned_by(channel.organization).filter(channel=channel, news=None)
    if tests.waiting().count() >= TESTS_AT_ONCE:
        raise Problem(429, "too_many_tests", "Tests are still on their way. Look at the log below in a minute.")
    if tests.filter(created_at__gt=now - DAY).count() >= TESTS_A_DAY:
        raise Problem(429, "too_many_tests", f"A channel is tested up to {TESTS_A_DAY} times a day.")
    delivery = Delivery.objects.create(
        organization=channel.organization, channel=channel, created_at=now, next_try_at=now
    )
    audit.note("channel_tested", channel.organization, by, about=channel, name=channel.name)
    telling.nudge()
    return delivery


def enable(channel: Channel, *, by: User) -> None:
    Channel.objects.owned_by(channel.organization).filter(pk=channel.pk).update(disabled_at=None, why="")
    audit.note("channel_enabled", channel.organization, by, about=channel, name=channel.name)


def new_secret(channel: Channel, *, by: User, now: datetime) -> Secret:
    """Signed with both from now on, until the next one comes: so that a receiver may take up the new one first."""
    if channel.kind != ChannelKind.WEBHOOK:
        raise Problem(404, "no_secret", "Only webhooks are signed.")
    signing = Secret(PREFIX + secrets.token_urlsafe(32))
    sealing.add_signing(channel, signing, now=now)
    audit.note("channel_secret_renewed", channel.organization, by, about=channel, name=channel.name)
    return signing


def remove(channel: Channel, *, by: User, now: datetime) -> None:
    """Its secrets open nowhere any more; what was delivered stays in the stories of the alerts."""
    Channel.objects.owned_by(channel.organization).filter(pk=channel.pk).update(removed_at=now)
    sealing.destroy(channel, now=now)
    audit.note("channel_removed", channel.organization, by, about=channel, name=channel.name)
