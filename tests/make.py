"""One plain function for each thing that a test needs to be there."""

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope

PASSWORD = "correct horse battery"


def user(email: str, *, full_name: str = "", staff: bool = False) -> User:
    """A person whose address is verified."""
    from allauth.account.models import EmailAddress

    person = User.objects.create_user(email, PASSWORD, full_name=full_name, is_staff=staff, is_superuser=staff)
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person


def organization(name: str, *, owner: User, **fields: object) -> Organization:
    pk = uuid7()
    with organization_scope(pk):
        made = Organization.objects.create(id=pk, name=name, slug=f"{name.lower()}-{pk.hex[-6:]}", **fields)
        Membership.objects.create(organization=made, user=owner, role=Role.OWNER)
    return made


def member(of: Organization, email: str, role: Role) -> User:
    person = user(email)
    with organization_scope(of.pk):
        Membership.objects.create(organization=of, user=person, role=role)
    return person
