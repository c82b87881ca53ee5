"""When somebody last used TokenTra in an organization: the one mark that says whether people come back."""

from datetime import datetime, timedelta

from accounts.models import Membership
from tokentra.lib.tenancy import organization_scope

GRAIN = timedelta(hours=1)


def noted(membership: Membership, now: datetime) -> bool:
    """They are here. Written once an hour at most, so that looking at pages does not become writing."""
    if now - membership.active_at < GRAIN:
        return False
    membership.active_at = now
    with organization_scope(membership.organization_id):
        Membership.objects.filter(pk=membership.pk, active_at__lt=now).update(active_at=now)
    return True
