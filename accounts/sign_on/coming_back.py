"""Whoever was removed is not brought back by the next sign-on: somebody asks them in, or the directory lets them in."""

from hashlib import sha256
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization, User
from accounts.naming import fold
from accounts.owned import OwnedQuerySet
from accounts.scim.kept import DirectoryToken, KeptOut
from accounts.sign_on.unwelcome import Unwelcome
from tokentra.lib.tenancy import organization_scope


def keep_out(organization: Organization, user: User, *, address: str = "", by_directory: bool = False) -> None:
    """Inside the organization's scope."""
    told = {"user": user, "by_directory": by_directory, "at": timezone.now()}
    digest = digest_of(address or user.email)
    KeptOut.objects.update_or_create(organization=organization, digest=digest, defaults=told)


def let_in(organization: Organization, user: User, *addresses: str) -> None:
    """They belong again, by each of these addresses. Inside the organization's scope."""
    by_address = Q(digest__in=[digest_of(each) for each in addresses])
    KeptOut.objects.owned_by(organization).filter(about(user.email, user) | by_address).delete()


def check(organization_id: UUID, address: str, user: User | None) -> None:
    """Raises Unwelcome for somebody who was removed and whom nobody has asked in since."""
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        if user and user.pk and organization.memberships.filter(user=user).exists():
            return  # the address alone was kept out, with somebody else
        if not KeptOut.objects.owned_by(organization).filter(about(address, user)).exists():
            return
        if not organization.invitations.open(timezone.now()).filter(email=address).exists():
            raise Unwelcome(f"You were taken out of {organization.name}. Ask an owner or admin to let you in again.")


def is_kept_out(organization: Organization, user: User) -> bool:
    """Inside the organization's scope."""
    return entries_of(organization, user).exists()


def entries_of(organization: Organization, user: User) -> OwnedQuerySet[KeptOut]:
    """Inside the organization's scope."""
    return KeptOut.objects.owned_by(organization).filter(about(user.email, user))


def is_out_by_directory(organization: Organization, address: str, user: User | None = None) -> bool:
    """Whether its directory took them out, and may let them in again. Inside the organization's scope."""
    taken_out = KeptOut.objects.owned_by(organization).filter(about(address, user), by_directory=True)
    return taken_out.exists() and DirectoryToken.objects.filter(organization=organization).exists()


def about(address: str, user: User | None) -> Q:
    """By address and by person: either may have changed."""
    return Q(digest=digest_of(address)) | (Q(user=user) if user and user.pk else Q())


def digest_of(address: str) -> str:
    return sha256(f"kept out {fold(address)}".encode()).hexdigest()
