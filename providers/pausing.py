"""A connection rests, is stopped and goes on; or everything is read again."""

from datetime import datetime

from accounts import audit
from accounts.models import User
from providers import windows
from providers.claiming import database_now
from providers.connectors import CONNECTORS
from providers.models import Connection, Status
from providers.nudging import nudge


class CannotResume(Exception):
    """What stopped the connection is not over: it needs another key, or nothing at all."""


def pause(connection: Connection, *, by: User | None) -> None:
    """Stop reading at the next transaction; keep the credentials and the data."""
    connection = locked(connection)
    if connection.status in (Status.PAUSED, Status.DISCONNECTED):
        return
    connection.status, connection.paused_at = Status.PAUSED, database_now()
    rest(connection)
    audit.note("connection_paused", connection.organization, by, about=connection)


def resume(connection: Connection, *, by: User | None) -> None:
    connection = locked(connection)
    if connection.status == Status.DISCONNECTED:
        raise CannotResume("Connect the account again with a new key.")
    if connection.status not in (Status.PAUSED, Status.BROKEN):
        return
    start(connection, now=database_now())
    audit.note("connection_resumed", connection.organization, by, about=connection)


def resync(connection: Connection, *, by: User | None) -> None:
    """Read the whole history again, the newest days first; a stopped connection tries its key once more."""
    connection = locked(connection)
    if connection.status in (Status.DISCONNECTED, Status.PAUSED):
        raise CannotResume("Resume the connection first." if connection.paused_at else "Connect the account again.")
    now = database_now()
    windows.extend(connection, CONNECTORS[connection.provider], now=now)
    windows.make_due(connection, now=now)
    start(connection, now=now)
    audit.note("connection_resynced", connection.organization, by, about=connection)


def start(connection: Connection, *, now: datetime) -> None:
    """Due at once, with whatever it waited for forgotten."""
    connection.blocked, connection.blocked_at, connection.wait_until = "", None, None
    connection.waits, connection.paused_at, connection.next_sync_at = 0, None, now
    windows.end_waits(connection)
    marks = windows.Marks.of(connection, CONNECTORS[connection.provider])
    connection.status = marks.status(now)
    if connection.status == Status.BROKEN:
        connection.status = Status.VALIDATING
    connection.save()
    nudge(connection.organization_id, connection.pk)


def stop(connection: Connection, reason: str, *, now: datetime) -> None:
    """Nothing is read until a person has done something."""
    connection.status, connection.blocked, connection.blocked_at = Status.BROKEN, reason, now
    connection.next_sync_at, connection.lease_until, connection.wait_until = None, None, None
    connection.save()


def rest(connection: Connection) -> None:
    """Whoever is reading may write nothing more."""
    connection.next_sync_at, connection.lease_until, connection.wait_until = None, None, None
    connection.fence += 1
    connection.save()


def locked(connection: Connection) -> Connection:
    """The connection as it is now, held against a sync that is writing at this moment."""
    mine = Connection.objects.filter(organization_id=connection.organization_id)
    return mine.select_for_update(no_key=True).get(pk=connection.pk)
