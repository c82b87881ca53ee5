"""Who may read a connection now: a lease by the database's clock, and a number for each claim."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection as database
from django.db.models import F
from django.db.models.functions import Now

from providers.models import Connection
from tokentra.lib.tenancy import as_sweep, organization_scope

LEASE: timedelta = settings.LEASE  # longer than any step of work may take


class Superseded(Exception):
    """Somebody else holds the connection now, or a person stopped it: nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    organization_id: UUID
    connection_id: UUID
    fence: int
    now: datetime


def claim(organization_id: UUID, connection_id: UUID, *, now: datetime | None = None) -> Claim | None:
    """Take a connection that is due and free; None when it is not, or when another was faster.

    `now` decides what is due (the database's clock when it is not given); the lease always runs by the
    database's clock.
    """
    with organization_scope(organization_id):
        now = now or database_now()
        mine = Connection.objects.filter(organization_id=organization_id, pk=connection_id)
        taken = mine.claimable(now).update(fence=F("fence") + 1, lease_until=Now() + LEASE, last_tried_at=now)
        if not taken:
            return None
        return Claim(organization_id, connection_id, mine.values_list("fence", flat=True).get(), now)


def hold(claim: Claim) -> Connection:
    """The claimed connection, locked for this transaction; `Superseded` when it is not ours any more."""
    mine = Connection.objects.filter(organization_id=claim.organization_id)
    held = mine.held(claim.connection_id, claim.fence).select_for_update(no_key=True).first()
    if held is None:
        raise Superseded
    return held


def due(now: datetime | None = None, *, limit: int = 500) -> list[tuple[UUID, UUID]]:
    """(organization, connection) of everything that is due and free, the longest due first.

    Marks of all organizations are what the sweep's own role may see, so the question is asked as that role.
    """
    with as_sweep():
        marks = Connection.objects.claimable(now or database_now()).order_by("next_sync_at")
        return list(marks.values_list("organization_id", "pk")[:limit])


def database_now() -> datetime:
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
