"""Whom an organization may speak for, by its sign-on and by its directory: people of its proved domains."""

from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError

from accounts import signup
from accounts.models import Membership, User
from accounts.sign_on.domains import speaks_for
from accounts.sign_on.unwelcome import Unwelcome
from tokentra.lib.tenancy import organization_scope


def check_address(organization_id: UUID, address: str) -> None:
    if not address or not speaks_for(organization_id, address):
        raise Unwelcome("Its identity provider may not speak for this address. Prove its domain under Sign-on first.")


def check_new(address: str) -> None:
    """What no address of a new person may be here."""
    try:
        get_adapter().clean_email(address)
    except ValidationError as refused:
        raise Unwelcome(refused.messages[0]) from None


def check_person(user: User) -> None:
    if user.is_staff or user.is_superuser:
        raise Unwelcome("People who run this installation log in by themselves.")


def prove(organization_id: UUID, user: User, address: str) -> None:
    """The organization owns the mailbox. Whoever registered the account without proving it loses what they set."""
    if not belongs(organization_id, user):  # a member was asked in, and keeps what they log in by
        signup.proved_elsewhere(user, address)
    EmailAddress.objects.filter(user=user, email=address).update(verified=True)


def belongs(organization_id: UUID, user: User) -> bool:
    with organization_scope(organization_id):
        return Membership.objects.filter(organization_id=organization_id, user=user).exists()
