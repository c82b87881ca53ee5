"""A key's end: taken back at once, or replaced by another one."""

from datetime import timedelta

from django.utils import timezone

from accounts import audit
from accounts.models import Membership, User
from sdk_keys import issuing, resolving
from sdk_keys.issuing import Issued
from sdk_keys.models import LONGEST, ApiKey, KeyState

GRACE = timedelta(hours=24)


class EndedAlready(Exception):
    """The key was revoked, replaced or ran out of time by now."""


def revoke(key: ApiKey, *, by: User | None) -> None:
    """Take a key back, inside the organization's scope: it opens nothing from now on. One that is over stays so."""
    mine = ApiKey.objects.owned_by(key.organization).filter(pk=key.pk, revoked_at=None)
    if mine.update(revoked_at=timezone.now()):
        resolving.forget(key)
        audit.note("key_revoked", key.organization, by, about=key, name=key.name, key=key.masked)


def replace(key: ApiKey, *, at_once: bool, by: Membership) -> Issued:
    """Another key for the same programs, inside the organization's scope; raises EndedAlready for one that is over.

    The old one works for 24 hours more, or no longer with `at_once`. The new one lasts as long as the old one
    was made for, a hundred years at most, and the use of each is noted apart.
    """
    now = timezone.now()
    by.organization.lock()  # before its key, as whoever deletes the organization does
    mine = ApiKey.objects.owned_by(by.organization).select_for_update(of=("self",)).get(pk=key.pk)
    if mine.state(now) is not KeyState.WORKS:
        raise EndedAlready
    made = issuing.make(
        by,
        name=mine.name,
        scopes=mine.scopes,
        environment=mine.environment,
        expires_at=now + min(mine.lifetime, LONGEST) if mine.lifetime else None,
    )
    mine.replaced_by = made.key
    if at_once:
        mine.revoked_at = now
    else:
        mine.expires_at = min(now + GRACE, mine.expires_at or now + GRACE)
    mine.save(update_fields=["replaced_by", "revoked_at", "expires_at"])
    resolving.forget(mine)
    told = {"name": mine.name, "key": mine.masked, "by": made.key.masked}
    audit.note("key_replaced", by.organization, by.user, about=mine, **told)
    return made
