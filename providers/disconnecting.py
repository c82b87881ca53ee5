"""A connection ends: its key is destroyed at once, its data stays or goes as the person decides."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db.models import Max, Min, Sum

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import Organization, User
from providers import sealing, unfinished
from providers.claiming import database_now
from providers.models import Connection, EndpointState, KeptAnswer, ReadWindow, SealedCredential, Status, SyncRun
from providers.pausing import locked, rest
from usage import ending, ingest
from usage.models import UsageRecord

Data = Literal["keep", "delete"]


@dataclass(frozen=True, slots=True)
class Loss:
    """What deleting a connection's data would take away."""

    rows: int
    first_day: date | None
    last_day: date | None


def loss(connection: Connection) -> Loss:
    rows = ReadWindow.objects.of(connection).aggregate(rows=Sum("rows"))["rows"]
    mine = UsageRecord.objects.filter(organization_id=connection.organization_id, connection_id=connection.pk)
    days = mine.aggregate(first=Min("day"), last=Max("day"))
    return Loss(rows or 0, days["first"], days["last"])


def disconnect(organization: Organization, connection: Connection, *, data: Data, by: User | None) -> None:
    """End it inside the organization's scope. A sync under way can write nothing after this transaction."""
    held = locked(connection)
    now = database_now()
    sealing.destroy(held, now=now)
    unfinished.drop_all(held)
    if held.status != Status.DISCONNECTED:  # deleting what was kept ends nothing a second time
        journal.record(Event.PROVIDER_DISCONNECTED, by, organization, provider=held.provider, data=data)
    audit.note("connection_disconnected", organization, by, about=held, data=data, name=held.name)
    if data == "delete":
        ingest.forget_connection(organization.pk, held.pk)
        for child in (SealedCredential, EndpointState, ReadWindow, KeptAnswer, SyncRun):
            child._default_manager.filter(organization_id=organization.pk, connection=held).delete()
        Connection.objects.filter(organization_id=organization.pk, pk=held.pk).delete()
        return
    held.status, held.disconnected_at = Status.DISCONNECTED, now
    held.blocked, held.blocked_at, held.detail = "", None, ""
    rest(held)
    ending.end(organization.pk, held.pk, at=now)
