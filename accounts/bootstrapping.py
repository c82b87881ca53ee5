"""A first person and organization without a browser: what `manage.py bootstrap` does, however often."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import Membership, Organization, User
from accounts.naming import clean_name, fold, organization_name
from accounts.permissions import Role
from accounts.signup import create_person_and_organization, found
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope, user_scope


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who shall be there: a verified owner of an organization, let into the admin or not."""

    email: str
    password: str
    organization: str
    staff: bool

    @classmethod
    def checked(cls, email: str, password: str, organization: str, *, staff: bool) -> "Wanted":
        """Raises ValidationError with the sentence that says what is wrong."""
        address = fold(email)
        if not address:
            raise ValidationError("Set TOKENTRA_BOOTSTRAP_EMAIL to the owner's address.")
        validate_email(address)
        if not password:
            raise ValidationError("Set TOKENTRA_BOOTSTRAP_PASSWORD to the owner's password.")
        validate_password(password, User(email=address))
        return cls(address, password, clean_name(organization) or organization_name(address), staff)


def bootstrap(wanted: Wanted) -> tuple[User, Organization, bool]:
    """Make what is missing and leave alone what is there; True at the end when the person is new.

    A person who exists keeps their password: the variable is for the first run.
    """
    user = User.objects.filter(email=wanted.email).first()
    if user is None:
        made = create_person_and_organization(
            wanted.email, wanted.password, wanted.organization, verified=True, staff=wanted.staff
        )
        return *made, True
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    if wanted.staff and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user, owned(user, wanted.organization), False


def owned(user: User, name: str) -> Organization:
    """The organization of that name which this person owns, made when there is none."""
    with user_scope(user.pk):
        memberships = list(Membership.objects.of(user).filter(role=Role.OWNER, organization__is_sample=False))
    for membership in memberships:
        if membership.organization.name == name:
            return membership.organization
    organization_id = uuid7()
    with organization_scope(organization_id):
        return found(organization_id, name, owner=user)
