"""Sign-up: a person, their organization and all that goes with them, together or not at all."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.account.utils import has_verified_email, setup_user_email
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, credentials, invitations, journal, letters, outbox
from accounts.invitations import NoLongerOpen
from accounts.invited import Invitation
from accounts.journal import Event
from accounts.mailed import OutboxMail
from accounts.models import FIRST_TOUCH_FIELDS, Membership, Organization, User, Visit
from accounts.naming import fold, organization_name, slug_for
from accounts.permissions import Role
from accounts.sign_on import taking_in
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope, scoped_organization, user_scope

signed_up_by_json = Signal()
"""Sent outside any transaction when a program signed somebody up and they are let in: `user`. What a receiver
answers is the API key that the program gets, in this one answer."""

TRIAL = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known about how somebody came: by which door, from where, what they call themselves, who asked them."""

    method: str = "email"
    visit: Visit | None = None
    full_name: str = ""
    organization_name: str = ""
    referral_source: str = ""
    invitation: Invitation | None = None
    vouched_by: UUID | None = None  # the organization whose sign-on they came by, which takes them in

    @property
    def first_touch(self) -> dict[str, str]:
        names = (*FIRST_TOUCH_FIELDS, "referrer", "landing_path")
        touch = {name: value for name in names if self.visit and (value := getattr(self.visit, name))}
        return touch | ({"referral_source": self.referral_source} if self.referral_source else {})


def place_for(arrival: Arrival) -> UUID:
    """The organization in whose scope somebody signs up: the one they are asked into, else one to be made."""
    return arrival.vouched_by or (arrival.invitation.organization_id if arrival.invitation else uuid7())


def welcome(user: User, organization_id: UUID, arrival: Arrival) -> None:
    """Give a new person their place, inside its scope, with all that belongs to a sign-up.

    Somebody who was invited joins that organization and gets none of their own; where addresses are proved,
    they join with the proof (`verified`), so that an address that is not theirs uses up no invitation.
    """
    if arrival.full_name:
        user.full_name = arrival.full_name
        user.save(update_fields=["full_name"])
    if visit := arrival.visit:
        visit.user = user
        visit.save(update_fields=["user"])
    if arrival.vouched_by:
        taking_in.join(organization_id, user, fold(user.email))
        settle(user, Organization.objects.get(pk=organization_id), arrival)
    elif arrival.invitation is None:
        name = arrival.organization_name or organization_name(user.email, user.full_name)
        settle(user, found(organization_id, name, owner=user), arrival)
    elif invitations.may_accept(arrival.invitation, user):
        settle(user, arrival.invitation.organization, arrival)
        invitations.accept(arrival.invitation, user)


def settle(user: User, organization: Organization, arrival: Arrival) -> None:
    """Write down a sign-up in the organization where the person found their place, and write to them."""
    at = user.created_at
    started = arrival.visit.signup_started_at if arrival.visit else None
    invited = {"invited": True} if arrival.invitation or arrival.vouched_by else {}
    journal.record(Event.SIGNUP_STARTED, user, organization, at=started or at)
    journal.record(Event.SIGNUP_METHOD_SELECTED, user, organization, at=at, method=arrival.method)
    named = {"named": True} if arrival.organization_name else {}
    told = {"method": arrival.method} | invited | named | arrival.first_touch
    journal.record(Event.SIGNUP_COMPLETED, user, organization, at=at, **told)
    audit.note("signed_up", organization, user, about=organization, method=arrival.method)
    is_verified = has_verified_email(user, user.email)
    if is_verified:  # another service vouched for it, or a code did
        journal.record(Event.EMAIL_VERIFIED, user, organization)
    held = settings.VERIFICATION_IS_MANDATORY and not is_verified
    letters.welcome(user, organization, held=held, invited=bool(invited))


def found(organization_id: UUID, name: str, *, owner: User, **fields: str) -> Organization:
    """Make an organization with its first owner, inside its scope."""
    slug = slug_for(name)
    values: dict[str, Any] = {"id": organization_id, "name": name, "trial_ends_at": timezone.now() + TRIAL, **fields}
    try:
        with transaction.atomic():
            organization = Organization.objects.create(slug=slug, **values)
    except IntegrityError:  # the policies hide whose slug it is; the constraint alone knows
        organization = Organization.objects.create(slug=f"{slug}-{organization_id.hex[-6:]}", **values)
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    return organization


def rehearse(request: HttpRequest, password: str, arrival: Arrival) -> tuple[UUID, UUID]:
    """Do the work of a sign-up and undo it, so that a known address takes as long to answer as a new one.

    Returns the ids that the person and the organization would have had.
    """
    organization_id = scoped_organization() or uuid7()
    with organization_scope(organization_id), transaction.atomic():
        stranger = User.objects.create_user(f"{organization_id.hex}@rehearsal.invalid", password)
        setup_user_email(request, stranger, [EmailAddress(email=stranger.email)])
        welcome(stranger, organization_id, arrival)
        has_verified_email(stranger, stranger.email)  # the code step looks these up for a new person
        EmailAddress.objects.get_for_user(stranger, stranger.email)
        transaction.set_rollback(True)
    return stranger.pk, organization_id


def verified(user: User, email: str, *, invitation: Invitation | None = None) -> None:
    """An address was proved: say so in the journal and let the welcome mail go.

    A new person who belongs nowhere yet signed up through an invitation: they join now. When it is over by
    now, they get an organization of their own like everybody else.
    """
    outbox.release(email)
    if user.last_login is None and not belongs_somewhere(user):
        place(user, invitation or invitations.waiting_for(user))
    for organization in own_organizations(user):
        with organization_scope(organization.pk):
            journal.record_once(Event.EMAIL_VERIFIED, user, organization)


def place(user: User, invitation: Invitation | None) -> None:
    arrival = Arrival(method=method_of(user), visit=Visit.objects.filter(user=user).first(), invitation=invitation)
    try:
        organization_id = place_for(arrival)
        with organization_scope(organization_id):
            welcome(user, organization_id, arrival)
    except NoLongerOpen:
        place(user, None)


def method_of(user: User) -> str:
    other = SocialAccount.objects.filter(user=user).first()
    return other.provider if other else "email"


def belongs_somewhere(user: User) -> bool:
    with user_scope(user.pk):
        return Membership.objects.of(user).exists()


def own_organizations(user: User) -> list[Organization]:
    with user_scope(user.pk):
        owned = Membership.objects.of(user).filter(role=Role.OWNER, organization__is_sample=False)
        return [membership.organization for membership in owned]


def abandon(user: User) -> None:
    """Take back a sign-up that was never verified, so that its owner can begin again with another address."""
    if user.last_login or EmailAddress.objects.filter(user=user, verified=True).exists():
        return
    OutboxMail.objects.held().filter(to=user.email).delete()
    Visit.objects.filter(user=user).update(user=None)
    for organization in own_organizations(user):
        with organization_scope(organization.pk):
            organization.delete()
            user.delete()
            return
    with organization_scope(uuid7()):  # invited, and nowhere yet: no organization holds a row of theirs
        user.delete()


def proved_elsewhere(user: User, email: str) -> None:
    """Somebody proved an address that this account never did: whoever registered it may be somebody else.

    All that they logged in by ends. Their other addresses go where this is the one of the account.
    """
    if EmailAddress.objects.filter(user=user, email__iexact=email, verified=False).exists():
        credentials.end(user)
        if fold(user.email) == fold(email):
            EmailAddress.objects.filter(user=user).exclude(email__iexact=email).delete()


def create_person_and_organization(
    email: str, password: str, organization_name: str, *, verified: bool, staff: bool
) -> tuple[User, Organization]:
    """An owner and their organization without a form: for operators and the demonstration. Sends no mail."""
    organization_id = uuid7()
    with organization_scope(organization_id):
        user = User.objects.create_user(email, password, is_staff=staff)
        EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
        organization = found(organization_id, organization_name, owner=user)
        journal.record(Event.SIGNUP_COMPLETED, user, organization, method="command")
        audit.note("signed_up", organization, user, about=organization, method="command")
    return user, organization
