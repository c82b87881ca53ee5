"""Somebody whom their organization vouches for becomes a member."""

from uuid import UUID

from django.utils import timezone

from accounts import audit
from accounts.models import Membership, Organization, User
from accounts.sign_on import coming_back
from accounts.sign_on.kept import SignOn
from accounts.sign_on.unwelcome import Unwelcome
from tokentra.lib.tenancy import organization_scope


def join(organization_id: UUID, user: User, address: str) -> None:
    """Raises Unwelcome for somebody who was taken out since they began to come in by this address.

    So it does where the sign-on was switched off or removed since.
    """
    with organization_scope(organization_id):
        organization = Organization.objects.get(pk=organization_id)
        organization.lock()
        coming_back.check(organization_id, address, user)
        kept = SignOn.objects.filter(organization_id=organization_id, is_on=True).first()
        if kept is None:
            raise Unwelcome("The sign-on of your organization was switched off. Log in another way.")
        role = kept.default_role
        made, is_new = Membership.objects.get_or_create(
            organization=organization, user=user, defaults={"role": role, "is_invitee": True}
        )
        if is_new:
            coming_back.let_in(organization, user)
            User.objects.filter(pk=user.pk).update(joined_at=timezone.now())
            audit.note("joined_by_sign_on", organization, user, about=made, email=user.email, role=role)
