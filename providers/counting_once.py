"""No day of an account is counted by two connections, however late it turns out that both read the same one.

As long as one of them does not know its account, every reading may tell: by the account that it names, or by a
project or a key that the other has read too.
"""

from datetime import datetime
from uuid import UUID

from accounts import audit
from accounts.models import Organization
from providers import identity, windows
from providers.connectors.base import Account
from providers.models import Blocked, Connection, Status
from providers.pausing import stop
from usage import ingest
from usage.handing_over import hand_over
from usage.models import LedgerDay, UsageRecord


def take_turns(organization_id: UUID, connection_id: UUID) -> None:
    """Where there is a doubt, one transaction of the organization at a time; before a connection is held."""
    connection = Connection.objects.filter(organization_id=organization_id, pk=connection_id).first()
    if connection and identity.doubtful(connection).exists():
        Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def may_go_on(connection: Connection, account: Account, *, now: datetime) -> bool:
    """Whether this connection counts what was read of `account`; False when it had to be stopped.

    Of two that read at the same time the later one is stopped. One that has ended gives its days away, to
    `take_over` when they are read.
    """
    known = Account(connection.account_id or account.id, "", projects=account.projects, seen=account.seen)
    for other in identity.doubtful(connection).select_for_update(no_key=True).order_by("created_at"):
        if not identity.is_same(other, known):
            continue
        if other.status == Status.DISCONNECTED:
            give_away(other, connection)
            continue
        earlier, later = sorted((connection, other), key=lambda each: (each.created_at, each.pk))
        if later.blocked == Blocked.SAME_ACCOUNT:
            continue
        ingest.forget_days(later.organization_id, later.pk, since=earlier.history_from)
        windows.make_due(later, now=now)
        stop(later, Blocked.SAME_ACCOUNT, now=now)
        if later is connection:
            return False
    return True


def give_away(gone: Connection, connection: Connection) -> None:
    gone.taken_over_by = connection.pk
    gone.save(update_fields=["taken_over_by"])
    audit.note("connection_taken_over", connection.organization, None, about=connection, before=gone.name)


def take_over(connection: Connection, start: datetime, end: datetime, *, now: datetime) -> None:
    """Have the days of a stretch that is about to be written, with all that an ended connection has read of them."""
    organization = {"organization_id": connection.organization_id}
    for gone in Connection.objects.filter(**organization, taken_over_by=connection.pk, status=Status.DISCONNECTED):
        held = LedgerDay.objects.filter(
            **organization, connection_id=gone.pk, day__gte=start.date(), day__lt=end.date()
        )
        days = list(held.order_by("day").values_list("day", flat=True))
        gives_way = UsageRecord.objects.filter(**organization, connection_id=connection.pk, day__in=days).exists()
        hand_over(connection.organization_id, source=gone.pk, target=connection.pk, days=days)
        if gives_way:  # what was read of these days before it was known whose they are is read again
            windows.make_due(connection, now=now, since=days[0])
