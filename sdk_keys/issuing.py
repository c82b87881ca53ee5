"""Making a key, once shown and then known by its digest alone."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from accounts import audit
from accounts.models import Organization, User
from sdk_keys.digests import digest_of
from sdk_keys.models import ApiKey, KeyDigest
from tokentra.lib import api_keys, crypto


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key; `clear` is the key itself, for whoever asked for it and for nothing that is kept."""

    key: ApiKey
    clear: str = field(repr=False)


def issue(
    organization: Organization,
    *,
    name: str,
    scopes: Collection[str],
    environment: str,
    by: User | None,
    expires_at: datetime | None = None,
) -> Issued:
    """Make a key inside the organization's scope."""
    clear = api_keys.mint(environment)
    key = ApiKey.objects.create(
        organization=organization,
        name=name,
        prefix=clear[:12],
        last_four=clear[-4:],
        scopes=sorted(scopes),
        environment=environment,
        created_by=by,
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    KeyDigest.objects.create(
        digest=digest_of(clear), master_id=crypto.current_master(), organization=organization, key=key
    )
    audit.note("key_created", organization, by, about=key, name=name, scopes=key.scopes, environment=environment)
    return Issued(key, clear)
