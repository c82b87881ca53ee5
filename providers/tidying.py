"""Samples of answers that were not understood go after seven days."""

from datetime import datetime, timedelta
from uuid import UUID

from providers.claiming import database_now
from providers.models import EndpointState
from tokentra.lib.tenancy import as_sweep, organization_scope

SAMPLES_ARE_KEPT = timedelta(days=7)


def tidy(now: datetime | None = None) -> None:
    """Each organization in its own scope; running it again changes nothing."""
    before = (now or database_now()) - SAMPLES_ARE_KEPT
    for organization_id in organizations_with_old_samples(before):
        with organization_scope(organization_id):
            old = EndpointState.objects.filter(organization_id=organization_id, sample_at__lte=before)
            old.update(sample="", sample_at=None)


def organizations_with_old_samples(before: datetime) -> list[UUID]:
    with as_sweep():
        old = EndpointState.objects.filter(sample_at__lte=before).order_by("organization_id")
        return list(old.values_list("organization_id", flat=True).distinct())
