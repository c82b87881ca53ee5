"""Invitations: asking addresses into an organization, sending the link again, taking it back, accepting it."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from allauth.account.utils import has_verified_email
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.urls import reverse
from django.utils import timezone

from accounts import audit, journal, letters
from accounts.http import absolute
from accounts.invited import Invitation
from accounts.journal import Event
from accounts.mailed import OutboxMail
from accounts.models import JournalEntry, Membership, Organization, User
from accounts.naming import fold
from accounts.pacing import DAY, HOUR, Pace, TooMany, in_words, longest_wait
from accounts.permissions import Role
from accounts.sign_on import coming_back
from tokentra.lib.tenancy import digest_scope, organization_scope, user_scope

LASTS = timedelta(days=14)
# what keeps this from being a way to send mail to strangers, also for somebody with many organizations
OF_AN_ORGANIZATION = (Pace(100, HOUR),)
OF_A_PERSON = (Pace(100, HOUR), Pace(300, DAY))
PURPOSE = "invitation"
REFUSED, MEMBER = "refused", "member"


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of one address: the status of its invitation, `member` or `refused` with the reason.

    The link is known in this moment only: what is kept is its digest. `held_up` is there for an address that may
    be invited later.
    """

    email: str
    status: str
    reason: str = ""
    link: str = ""
    held_up: TooMany | None = None


class NoLongerOpen(Exception):
    """The invitation was accepted, revoked or sent again, or its time is over."""


def invite(organization: Organization, addresses: Iterable[str], role: Role, *, by: User) -> list[Invited]:
    """Invite each address once and say for each what became of it; one that is refused stops no other.

    Raises PermissionDenied for a person who may not invite here, or not with this role.
    """
    with organization_scope(organization.pk):
        hold(organization, by)
        may_invite(organization, role, by)
        once = {fold(address): address for address in addresses if address.strip()}
        return [invite_one(organization, address, role, by) for address in once.values()]


def invite_one(organization: Organization, email: str, role: Role, by: User) -> Invited:
    now = timezone.now()
    try:
        email = get_adapter().clean_email(email)
        validate_email(email)
    except ValidationError as refusal:
        return Invited(email[:254], REFUSED, " ".join(refusal.messages))
    if organization.memberships.filter(user__email=email).exists():
        return Invited(email, MEMBER, "Already a member.")
    if coming_back.is_out_by_directory(organization, email):
        return Invited(email, REFUSED, "Your directory took them out. Let them in again there.")
    offer = organization.invitations.with_mail().unanswered().filter(email=email).first()
    if offer and offer.expires_at > now:
        return Invited(email, offer.status(now), "Invited already. Send the invitation again if it got lost.")
    if held_up := too_many(organization, by, now):
        return Invited(email, REFUSED, str(held_up), held_up=held_up)
    offer = offer or Invitation(organization=organization, email=email)
    offer.role, offer.invited_by = role, by
    return send(offer, by=by, now=now)


def send_again(offer: Invitation, *, by: User) -> Invited:
    """A new link by a new mail, for 14 days from now; the old link works no longer.

    Raises PermissionDenied as `invite` does, NoLongerOpen once it was accepted or revoked, and TooMany.
    """
    organization, now = offer.organization, timezone.now()
    with organization_scope(organization.pk):
        hold(organization, by)
        may_invite(organization, Role(offer.role), by)
        fresh = organization.invitations.with_mail().unanswered().filter(pk=offer.pk).first()
        if fresh is None:
            raise NoLongerOpen
        if held_up := too_many(organization, by, now):
            raise held_up
        return send(fresh, by=by, now=now)


def send(offer: Invitation, *, by: User, now: datetime) -> Invited:
    """Give an invitation a token of its own and write its letter."""
    if offer.mail and offer.mail.delivered_at is None:
        offer.mail.delete()  # its link is dead
    token = f"tt_invite_{secrets.token_urlsafe(32)}"
    link = absolute(reverse("accounts:invitation", args=[token]))
    is_new = offer._state.adding
    offer.token_digest, offer.expires_at = digest_of(token), now + LASTS
    offer.mail = letters.invitation(offer, link, by=by)
    offer.save()
    told = {"invitation": str(offer.pk), "role": offer.role, "again": not is_new}
    journal.record(Event.TEAM_INVITE_SENT, by, offer.organization, at=now, **told)
    audit.note("invitation_sent", offer.organization, by, about=offer, email=offer.email, role=offer.role)
    return Invited(offer.email, offer.status(now), link=link)


def revoke(offer: Invitation, *, by: User) -> None:
    """Take an invitation back; raises NoLongerOpen once it was accepted or revoked."""
    with organization_scope(offer.organization_id):
        may_invite(offer.organization, Role(offer.role), by)
        if not Invitation.objects.unanswered().filter(pk=offer.pk).update(revoked_at=timezone.now()):
            raise NoLongerOpen
        if offer.mail and offer.mail.delivered_at is None:
            offer.mail.delete()
        audit.note("invitation_revoked", offer.organization, by, about=offer, email=offer.email)


def may_invite(organization: Organization, role: Role, by: User) -> None:
    """Owners and admins invite, owners only by an owner; a sample workspace is one person's own."""
    mine = organization.memberships.filter(user=by).first()
    if organization.is_sample or mine is None or not mine.may_give(role):
        raise PermissionDenied("Owners and admins invite people, and only an owner invites another owner.")


def hold(organization: Organization, by: User) -> None:
    """Two tabs of one person, or two people of one organization, do not pass a limit together."""
    by.lock()
    organization.lock()


def too_many(organization: Organization, by: User, now: datetime) -> TooMany | None:
    """What holds the next invitation up: what was sent from this organization, or by this person from any."""
    here = JournalEntry.objects.owned_by(organization).filter(event=Event.TEAM_INVITE_SENT)
    theirs = OutboxMail.objects.filter(asked_by=by)
    for column, sent, paces, whose in (
        ("at", here, OF_AN_ORGANIZATION, "from one organization"),
        ("created_at", theirs, OF_A_PERSON, "by one person, from all of their organizations together"),
    ):
        times = list(sent.order_by(f"-{column}").values_list(column, flat=True)[: max(pace.most for pace in paces)])
        if full := longest_wait(times, paces, now):
            pace, wait = full
            sentence = f"{pace.in_words} is the most that is sent {whose}. Send it {in_words(wait)}."
            return TooMany(sentence, pace, wait)
    return None


def stopped(results: Iterable[Invited]) -> TooMany | None:
    """What held everything up, when nothing could be sent because of it."""
    told = list(results)
    return None if any(each.link for each in told) else next((each.held_up for each in told if each.held_up), None)


def addresses_in(text: str) -> list[str]:
    """Addresses as people write and paste them: by line, comma or space, with a name before them or not."""
    found: list[str] = []
    for part in re.split(r"[,;\n\r]+", re.sub(r'"[^"\n]*"', " ", text)):
        named = re.search(r"<([^<>]*)>", part)
        found += [named[1].strip()] if named else part.split()
    return found


def digest_of(token: str) -> str:
    """What is kept of a token: it belongs to this purpose alone."""
    return hashlib.sha256(f"{PURPOSE}:{token}".encode()).hexdigest()


def find(digest: str) -> Invitation | None:
    """The invitation whose link somebody holds, open or not, with its organization; changes nothing."""
    with digest_scope(digest):
        offer = Invitation.objects.with_mail().filter(token_digest=digest).first()
    return known(offer) if offer else None


def known(offer: Invitation) -> Invitation:
    with organization_scope(offer.organization_id):
        offer.organization = Organization.objects.get(pk=offer.organization_id)
    return offer


def waiting_for(user: User) -> Invitation | None:
    """The newest open invitation to the proved address of a person."""
    return next(iter(all_waiting_for(user)), None)


def all_waiting_for(user: User) -> list[Invitation]:
    """Open invitations to the address of a person who proved it, the newest first."""
    if not has_verified_email(user, user.email):
        return []
    with user_scope(user.pk):
        mine = Invitation.objects.with_mail().open(timezone.now()).filter(email=fold(user.email))
        offers = list(mine.order_by("-created_at"))
    return [known(offer) for offer in offers]


def may_accept(offer: Invitation, user: User) -> bool:
    """Whether this person stands for its address: it is theirs, and proved where addresses are proved here.

    Holding the link proves nothing more, for it can be copied and forwarded.
    """
    is_proved = not settings.VERIFICATION_IS_MANDATORY or has_verified_email(user, user.email)
    return offer.is_for(user) and is_proved


def accept(offer: Invitation, user: User) -> Membership:
    """Make the invited person a member, once; PermissionDenied for anybody else.

    Raises NoLongerOpen when it was accepted, revoked, sent again or ran out of time by now. It is revoked for
    somebody whom the directory took out, also where it was written to another address of theirs.
    """
    if not may_accept(offer, user):
        raise PermissionDenied("This invitation is for another address.")
    now, organization = timezone.now(), offer.organization
    with organization_scope(organization.pk):
        organization.lock()
        mine = Invitation.objects.open(now).filter(pk=offer.pk, token_digest=offer.token_digest)
        membership = organization.memberships.filter(user=user).first()
        if membership is None and coming_back.is_out_by_directory(organization, user.email, user):
            mine.update(revoked_at=now)
        elif not mine.update(accepted_at=now):
            raise NoLongerOpen
        elif membership is None:
            membership = organization.memberships.create(user=user, role=offer.role, is_invitee=True)
            User.objects.filter(pk=user.pk).update(joined_at=now)
            coming_back.let_in(organization, user)
            journal.record(Event.TEAM_INVITE_ACCEPTED, user, organization, invitation=str(offer.pk), role=offer.role)
            audit.note("invitation_accepted", organization, user, about=offer, role=offer.role)
    if membership is None:
        raise NoLongerOpen
    return membership
