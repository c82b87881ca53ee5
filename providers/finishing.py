"""Everything that is due is read here and now, without workers: for commands, and for days without Redis."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from providers import claiming, windows
from providers.connectors import CONNECTORS
from providers.models import AT_REST, Connection
from providers.sync import Step, step
from tokentra.lib.tenancy import organization_scope

RECENT_DAYS = 3


def read_all_due(organization_id: UUID | None = None, *, now: datetime | None = None) -> Iterator[tuple[UUID, Step]]:
    """Step after step until nothing is due; what fails waits for its next try and is not asked again."""
    seen: set[tuple[UUID, UUID]] = set()
    while found := [each for each in claiming.due(now) if organization_id in (None, each[0]) and each not in seen]:
        for organization, connection in found:
            done = step(organization, connection, now=now)
            if done is None or not done.is_more:
                seen.add((organization, connection))
            if done is not None:
                yield connection, done


def make_recent_due(organization_id: UUID) -> int:
    """Make the last days of every connection that reads due. Returns how many connections there are."""
    with organization_scope(organization_id):
        now = claiming.database_now()
        reading = Connection.objects.filter(organization_id=organization_id).exclude(status__in=AT_REST)
        for connection in reading.select_for_update(no_key=True):
            windows.extend(connection, CONNECTORS[connection.provider], now=now)
            since = now.date() - timedelta(days=RECENT_DAYS)
            windows.make_due(connection, now=now, since=since)
            connection.wait_until, connection.next_sync_at = None, now
            connection.save(update_fields=["wait_until", "next_sync_at"])
        return len(reading)
