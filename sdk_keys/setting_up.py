"""The key of whoever sets up a program: made once, shown once, and replaced when it is lost."""

from datetime import datetime
from uuid import UUID

from accounts.models import Membership
from accounts.permissions import Scope
from sdk_keys import ending, issuing
from sdk_keys.issuing import Issued
from sdk_keys.models import ApiKey, Environment, KeyState

NAME = "First program"


def key_of(member: Membership, *, now: datetime) -> ApiKey | None:
    """Their newest key that works and may send events, inside the organization's scope."""
    mine = ApiKey.objects.owned_by(member.organization).working(now).made_by(member.user)
    found = mine.filter(scopes__contains=[Scope.INGEST], replaced_by=None)
    return found.order_by("-created_at").first()


def make(member: Membership, *, instead_of: UUID | None, now: datetime) -> Issued | None:
    """A key, instead of the one that they have been told of; None when that is not how things stand any more.

    Sent twice, by a refresh or by two tabs, it makes one key. A key that was never used ends at once.
    """
    member.organization.lock()
    held = key_of(member, now=now)
    if (held.pk if held else None) != instead_of:
        return None
    if held is None:
        return issuing.make(member, name=NAME, scopes=[Scope.INGEST], environment=Environment.LIVE)
    if held.state(now) is not KeyState.WORKS:
        return None
    return ending.replace(held, at_once=held.last_used_at is None, by=member)
