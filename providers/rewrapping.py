"""The master key changes: every secret's data key is wrapped anew, some hundred at a time."""

from collections import Counter
from uuid import UUID

from django.db.models import Count

from providers.models import SealedCredential
from providers.sealing import columns, place, sealed
from tokentra.lib import crypto
from tokentra.lib.tenancy import as_sweep, organization_scope

BATCH = 500


def rewrap_all() -> int:
    """Bring every secret under the newest master; safe to stop and start again. Returns how many moved."""
    return sum(rewrap(organization_id) for organization_id in organizations_behind())


def rewrap(organization_id: UUID) -> int:
    """Move one organization's secrets, each batch in its own transaction, past those that a sync holds."""
    moved, left = 0, True
    while left:
        with organization_scope(organization_id):
            behind = SealedCredential.objects.filter(organization_id=organization_id, destroyed_at=None)
            behind = behind.exclude(master_id=crypto.current_master()).select_related("connection")
            batch = list(behind.select_for_update(of=("self",)).order_by("pk")[:BATCH])
            for row in batch:
                row.__dict__.update(columns(crypto.rewrap(sealed(row), place(row.connection, row.field))))
            SealedCredential.objects.bulk_update(batch, ["master_id", "wrapped_key"])
        moved, left = moved + len(batch), len(batch) == BATCH
    return moved


def references() -> Counter[str]:
    """How many living secrets each master key wraps; one that wraps none may be taken from the list."""
    with as_sweep():
        living = SealedCredential.objects.filter(destroyed_at=None)
        counts = living.values_list("master_id").annotate(count=Count("organization_id")).order_by()
        return Counter(dict(counts))


def organizations_behind() -> list[UUID]:
    with as_sweep():
        behind = SealedCredential.objects.filter(destroyed_at=None).exclude(master_id=crypto.current_master())
        return list(behind.order_by("organization_id").values_list("organization_id", flat=True).distinct())
