"""Adds up what was stored, some thousand events at once: the more of them share a sum, the less each of them costs.

Events wait for it from the transaction that stores them. Whoever opens a scope of the organization to read its sums
adds up what waits first, so that nobody sees sums without them.
"""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import Error, connection
from django.utils import timezone
from psycopg import ClientCursor

from tokentra.lib.tenancy import as_sweep, catch_up_by, organization_scope
from usage import closing
from usage.measured import Waiting
from usage.measuring import local_days, statements, transactions
from usage.measuring.beside import Beside
from usage.measuring.grain import grain
from usage.measuring.stepping import step_through

log = logging.getLogger(__name__)

WAITS = "SELECT EXISTS (SELECT FROM usage_waiting)"
BEGIN = f"""
{transactions.BY_KEY};
{transactions.ROOMY};
SELECT FROM {transactions.together("%(sums)s")};
SELECT FROM {transactions.alone("%(adding)s")};
SELECT timezone FROM accounts_organization WHERE id = %(organization)s FOR KEY SHARE;
SELECT name FROM usage_summedtag WHERE organization_id = %(organization)s;
SELECT EXISTS (SELECT FROM usage_waiting WHERE organization_id = %(organization)s)"""  # noqa: S608  # words of ours


def watch() -> None:
    catch_up_by(WAITS, add_up_next)


def share() -> None:
    """From now on one thread of this process adds up for all of its readers."""
    catch_up_by(WAITS, add_up_beside)


def add_up(organization_id: UUID, *, now: datetime | None = None, is_last: bool = False) -> bool:
    """Some of what waits, inside the organization's scope, once nobody else is at it; True when more is left.

    The organization is not deleted meanwhile; of one that was, what still came goes. Where it `is_last` in its
    transaction, that ends before it is on the disk: sums that a crash takes back are added up again, as what they
    are made of waits again.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as own:
        own.execute(
            BEGIN,
            {
                "sums": transactions.sums_of(organization_id),
                "adding": transactions.adding_up_of(organization_id),
                "organization": organization_id,
            },
        )
        zones, tags, [(is_any,)] = statements.answers(own)[-3:]
        if not zones:
            return closing.forget_late(organization_id)
        after = transactions.UNHURRIED if is_last else transactions.AS_BEFORE
        if not is_any:
            own.execute(after)
            return False
        zone, adding = ZoneInfo(zones[0][0]), "tt_add_up_tagged" if tags else "tt_add_up"
        params = [organization_id, grain(zone, now or timezone.now()), [name for (name,) in tags], zone.key]
        statements.prepare(own, adding)
        own.execute(f"EXECUTE {adding} (%s, %s, %s, %s)", params)
        [(is_more, others)] = own.fetchall()
        if others:  # whoever stored them did not know yet that the zone is another
            local_days.put_right(own, organization_id, others, zone)
        own.execute(after)
    return bool(is_more or others)


def alone(cursor: Any, organization_id: UUID) -> None:
    """Nobody else writes events or their sums until the transaction ends, and none of them waits."""
    cursor.execute(transactions.ALONE, [transactions.sums_of(organization_id)])
    while add_up(organization_id):
        pass


def came(organization_id: UUID, count: int) -> None:
    """So many events were stored: of a good many a thread adds up what waits, so that readers find little."""
    if not _beside.came(organization_id, count):
        return
    try:
        if _beside.add_up(organization_id) is None:
            add_up_next(organization_id)
    except Error:  # the events are stored: whoever reads their sums tries again
        log.warning("events of %s could not be added up yet", organization_id, exc_info=True)


def add_up_beside(organization_id: UUID) -> bool:
    """As `add_up_next`, in the thread unless that is at another organization's."""
    is_more = _beside.add_up(organization_id)
    return add_up_next(organization_id) if is_more is None else is_more


def add_up_due() -> bool:
    """Step after step for some seconds, every organization in turn; True when there is more to do."""
    return step_through(due(), add_up_next)


def due() -> list[UUID]:
    with as_sweep():
        return list(Waiting.objects.order_by().values_list("organization_id", flat=True).distinct())


def add_up_next(organization_id: UUID) -> bool:
    with organization_scope(organization_id, up_to_date=False):
        return add_up(organization_id, is_last=True)


_beside = Beside(add_up_next)
