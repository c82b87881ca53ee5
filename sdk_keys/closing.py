"""An organization is deleted: its API keys open nothing from then on."""

from django.utils import timezone

from accounts.models import Organization
from sdk_keys import resolving
from sdk_keys.models import ApiKey


def end_all(organization: Organization) -> None:
    """Inside the organization's scope."""
    working = ApiKey.objects.owned_by(organization).filter(revoked_at=None)
    resolving.forget(*working)
    working.update(revoked_at=timezone.now())


def count(organization: Organization) -> list[tuple[int, str, str]]:
    return [(ApiKey.objects.owned_by(organization).count(), "API key", "API keys")]
