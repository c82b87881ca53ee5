"""Which keys a member sees and ends: all of the organization, or their own."""

from accounts.models import Membership
from accounts.permissions import Permission
from sdk_keys.models import ApiKey, ApiKeyQuerySet


def keys_of(member: Membership) -> ApiKeyQuerySet:
    """The newest first, inside the organization's scope; none for a role that has no keys."""
    mine = ApiKey.objects.owned_by(member.organization).order_by("-created_at")
    if member.may(Permission.MANAGE_KEYS):
        return mine
    return mine.made_by(member.user) if member.may(Permission.MANAGE_OWN_KEYS) else mine.none()
