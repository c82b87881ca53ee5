"""Tokens of a directory: made and shown once, known by their digest from then on, revoked at once."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.utils import timezone

from accounts import audit
from accounts.models import Organization, User
from accounts.scim.kept import DirectoryToken
from tokentra.lib.tenancy import digest_scope, organization_scope

MOST = 2  # so that the next one works before the last one ends
GRAIN = timedelta(hours=1)
BEGINS = "tt_scim_"


class TooManyTokens(Exception):
    """Two work already."""


class NoDomain(Exception):
    """A directory speaks for people of proved domains, and there is none."""


@dataclass(frozen=True, slots=True)
class Made:
    """`clear` is the token itself, for the one answer that shows it."""

    token: DirectoryToken
    clear: str = field(repr=False)


def make(organization: Organization, *, by: User) -> Made:
    """Raises TooManyTokens and NoDomain."""
    with organization_scope(organization.pk):
        organization.lock()
        if not organization.sign_on_domains.filter(proved_at__isnull=False).exists():
            raise NoDomain
        if DirectoryToken.objects.filter(organization=organization).count() >= MOST:
            raise TooManyTokens
        clear = BEGINS + secrets.token_urlsafe(32)
        token = DirectoryToken.objects.create(
            organization=organization,
            digest=digest_of(clear),
            last_four=clear[-4:],
            made_at=timezone.now(),
            made_by=by,
        )
        audit.note("directory_token_made", organization, by, about=token, name=str(token))
    return Made(token, clear)


def revoke(organization: Organization, token_id: UUID, *, by: User) -> bool:
    """Refused from the next request on; False for one that is not there."""
    with organization_scope(organization.pk):
        token = DirectoryToken.objects.filter(organization=organization, pk=token_id).first()
        if token is None:
            return False
        audit.note("directory_token_revoked", organization, by, about=token, name=str(token))
        token.delete()
    return True


def found(clear: str) -> DirectoryToken | None:
    """Whose token it is."""
    if not clear.startswith(BEGINS) or len(clear) > 100:
        return None
    digest = digest_of(clear)
    with digest_scope(digest):
        return DirectoryToken.objects.filter(digest=digest).first()


def used(token: DirectoryToken, *, now: datetime) -> None:
    """Inside the organization's scope."""
    if token.last_used_at is None or now - token.last_used_at >= GRAIN:
        DirectoryToken.objects.filter(organization_id=token.organization_id, pk=token.pk).update(last_used_at=now)


def digest_of(clear: str) -> str:
    return sha256(f"directory:{clear}".encode()).hexdigest()
