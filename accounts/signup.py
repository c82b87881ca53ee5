"""Sign-up: a person, their organization and all that goes with them, together or not at all."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from allauth.account.utils import has_verified_email, setup_user_email
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, journal, letters
from accounts.journal import Event
from accounts.models import FIRST_TOUCH_FIELDS, Membership, Organization, OutboxMail, User, Visit
from accounts.naming import organization_name, slug_for
from accounts.permissions import Role
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope, scoped_organization, user_scope

TRIAL = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known about how somebody came: by which door, from where, what they call themselves."""

    method: str = "email"
    visit: Visit | None = None
    full_name: str = ""
    organization_name: str = ""
    referral_source: str = ""


def welcome(user: User, organization_id: UUID, arrival: Arrival) -> Organization:
    """Give a new person their organization, inside its scope, with all that belongs to a sign-up."""
    if arrival.full_name:
        user.full_name = arrival.full_name
        user.save(update_fields=["full_name"])
    name = arrival.organization_name or organization_name(user.email, user.full_name)
    organization = found(organization_id, name, owner=user)
    now = timezone.now()
    first_touch: dict[str, str] = {}
    if visit := arrival.visit:
        visit.user = user
        visit.save(update_fields=["user"])
        names = (*FIRST_TOUCH_FIELDS, "referrer", "landing_path")
        first_touch = {name: value for name in names if (value := getattr(visit, name))}
    started = arrival.visit.signup_started_at if arrival.visit else None
    journal.record(Event.SIGNUP_STARTED, user, organization, at=started or now)
    journal.record(Event.SIGNUP_METHOD_SELECTED, user, organization, at=now, method=arrival.method)
    referral = {"referral_source": arrival.referral_source} if arrival.referral_source else {}
    journal.record(Event.SIGNUP_COMPLETED, user, organization, at=now, method=arrival.method, **referral, **first_touch)
    audit.note("signed_up", organization, user, about=organization, method=arrival.method)
    is_verified = EmailAddress.objects.filter(user=user, verified=True).exists()
    if is_verified:  # another service vouched for it
        journal.record(Event.EMAIL_VERIFIED, user, organization)
    letters.welcome(user, organization, held=settings.VERIFICATION_IS_MANDATORY and not is_verified)
    return organization


def found(organization_id: UUID, name: str, *, owner: User) -> Organization:
    """Make an organization with its first owner, inside its scope."""
    slug = slug_for(name)
    values = {"id": organization_id, "name": name, "trial_ends_at": timezone.now() + TRIAL}
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


def verified(user: User, email: str) -> None:
    """An address was proved: say so in the journal and let the welcome mail go."""
    OutboxMail.objects.held().filter(to=email).update(next_try_at=timezone.now())
    for organization in own_organizations(user):
        with organization_scope(organization.pk):
            journal.record_once(Event.EMAIL_VERIFIED, user, organization)


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
