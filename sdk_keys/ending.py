"""A key's end: taken back at once."""

from django.utils import timezone

from accounts import audit
from accounts.models import User
from sdk_keys import resolving
from sdk_keys.models import ApiKey


def revoke(key: ApiKey, *, by: User | None) -> None:
    """Take a key back, inside the organization's scope: it opens nothing from now on. One that is over stays so."""
    mine = ApiKey.objects.owned_by(key.organization).filter(pk=key.pk, revoked_at=None)
    if mine.update(revoked_at=timezone.now()):
        resolving.forget(key)
        audit.note("key_revoked", key.organization, by, about=key, name=key.name)
