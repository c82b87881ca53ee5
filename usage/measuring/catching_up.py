"""Adds up what was stored, some thousand events at once: the more of them share a sum, the less each of them costs.

Events wait for it from the transaction that stores them. Whoever opens a scope of the organization to read its sums
adds up what waits first, so that nobody sees sums without them. Who reads totals alone, which are few of all sums,
waits for those: the same events are added to the others in larger steps, beside them.
"""

import logging
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.cache import cache, caches
from django.db import Error, connection
from django.utils import timezone
from psycopg import ClientCursor
from psycopg.errors import CardinalityViolation, QueryCanceled

from tokentra.lib import pages_first
from tokentra.lib.tenancy import TOTALS, as_sweep, catch_up_by, name_within, organization_scope
from usage import closing
from usage.measured import Waiting
from usage.measuring import local_days, statements, step_sizes, transactions
from usage.measuring.beside import Beside
from usage.measuring.grain import grain
from usage.measuring.stepping import Left, step_through

log = logging.getLogger(__name__)

READ_FOR = 3  # seconds for which totals come first after somebody who read them found some that waited
TOLD_FOR = 1  # of those, in which a process whose readers said so says it no more
WAITS = "SELECT EXISTS (SELECT FROM usage_waiting)"
WAITS_FOR_TOTALS = "SELECT EXISTS (SELECT FROM usage_waiting WHERE NOT in_totals)"
BEGIN = f"""
{transactions.BY_KEY};
{transactions.ROOMY};
{transactions.BOUNDED};
SELECT FROM {transactions.together("%(sums)s")};
{{locks}};
SELECT name FROM usage_summedtag WHERE organization_id = %(organization)s;
SELECT timezone FROM accounts_organization WHERE id = %(organization)s FOR KEY SHARE;
{{waiting}}"""  # noqa: S608  # words of ours
# What is taken and added up once more where it could not be the quick way.
TRIED, DONE, BACK = "SAVEPOINT quick", "RELEASE quick", "ROLLBACK TO quick; RELEASE quick"
MINE = "FROM usage_waiting WHERE organization_id = %(organization)s AND"
IN_TOTALS, NOT_IN_TOTALS = (
    f"(SELECT in_totals, zone {MINE} {which} ORDER BY id LIMIT 1)" for which in ("in_totals", "NOT in_totals")
)
ADDING, TOTALING = (f"SELECT {transactions.alone(f'%({name})s')}" for name in ("adding", "totaling"))
BOTH = f"{IN_TOTALS} UNION ALL {NOT_IN_TOTALS}"
# For totals alone; for all sums; for other sums of what the totals hold already, which keeps nobody from adding to
# those.
BEGIN_TOTAL = BEGIN.format(locks=TOTALING, waiting=NOT_IN_TOTALS)
BEGIN_ALL = BEGIN.format(locks=f"{ADDING}; {TOTALING}", waiting=BOTH)
BEGIN_ASIDE = BEGIN.format(locks=ADDING, waiting=BOTH)


def watch() -> None:
    catch_up_by(WAITS_FOR_TOTALS, total_for_reader, up_to_date=TOTALS)
    catch_up_by(WAITS, add_up_next)


def share() -> None:
    """From now on one thread of this process adds up for all of its readers."""
    catch_up_by(WAITS, add_up_beside)


def add_up(organization_id: UUID, *, now: datetime | None = None, is_last: bool = False, aside: bool = False) -> Left:
    """Some of what waits, inside the organization's scope, once nobody else is at it.

    The organization is not deleted meanwhile; of one that was, what still came goes. Where it `is_last` in its
    transaction, that ends before it is on the disk: sums that a crash takes back are added up again, as what they
    are made of waits again. Who stands `aside` adds up what the totals hold already and leaves the others: whoever
    reads totals alone does not wait for that.
    """
    return step(organization_id, BEGIN_ASIDE if aside else BEGIN_ALL, now=now, is_last=is_last, aside=aside)


def total(organization_id: UUID, *, is_last: bool = False) -> Left:
    """The same for totals alone; their events go on waiting for the other sums."""
    return step(organization_id, BEGIN_TOTAL, by="tt_total", is_last=is_last)


def step(
    organization_id: UUID,
    begin: str,
    *,
    by: str = "",
    now: datetime | None = None,
    is_last: bool = False,
    aside: bool = False,
) -> Left:
    locks = {
        "sums": transactions.sums_of(organization_id),
        "adding": transactions.adding_up_of(organization_id),
        "totaling": transactions.totaling_of(organization_id),
    }
    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as own:
        own.execute(
            f"{transactions.UNHURRIED};{begin}" if is_last else begin, locks | {"organization": organization_id}
        )
        tags, zones, waiting = statements.answers(own)[-3:]
        if not zones:
            return Left.SOME if closing.forget_late(organization_id) else Left.NOTHING
        by = by or ("tt_add_up_tagged" if tags else "tt_add_up")
        names = [name for (name,) in tags]
        mine = [each for each in waiting if each[0] or not aside]
        left = Left.NOTHING
        for in_totals, stored_by in mine:
            # days of totals follow a changed zone later, with all that was added up
            zone = ZoneInfo(stored_by if in_totals else zones[0][0])
            params = [organization_id, grain(zone, now or timezone.now()), names, zone.key, in_totals]
            left = max(left, take(own, by, params, zone))
        if not is_last:
            own.execute(transactions.AS_BEFORE)
    return left or (Left.OTHERS if len(mine) < len(waiting) else Left.NOTHING)


def take(own: ClientCursor[Any], by: str, params: list[Any], zone: ZoneInfo) -> Left:
    """Those that are next of one kind: in totals, or not."""
    organization_id, *_, in_totals = params
    began = monotonic()
    try:
        is_more, others = taken(own, by, params)
    except QueryCanceled:
        if not step_sizes.can_be_fewer(organization_id, by):
            raise
        own.execute(BACK)  # others have their turn before fewer are tried
        return Left.SOME
    step_sizes.took(organization_id, by, monotonic() - began, is_full=bool(is_more))
    if others and not in_totals:  # whoever stored them did not know yet that the zone is another
        local_days.put_right(own, organization_id, others, zone)
    return Left.SOME if is_more or others else Left.NOTHING


def taken(own: ClientCursor[Any], by: str, params: list[Any]) -> Any:
    """As many as can be added up in time, as far as that is known."""
    organization_id, *_, in_totals = params
    most = step_sizes.of(organization_id, by)
    step_sizes.cut(own, organization_id, in_totals=in_totals, most=most)
    try:
        [[found]] = executed(own, by, [*params, most])
    except CardinalityViolation:  # of two rows for one key
        own.execute(BACK)
        [[found]] = executed(own, f"{by}{statements.ALIKE}", [*params, most])
    return found


def executed(own: ClientCursor[Any], by: str, params: list[Any]) -> list[list[Any]]:
    statements.prepare(own, by)
    own.execute(f"{TRIED}; EXECUTE {by} (%s, %s, %s, %s, %s, %s); {DONE}", params)
    return statements.answers(own)


def alone(cursor: Any, organization_id: UUID) -> None:
    """Nobody else writes events or their sums until the transaction ends, and none of them waits."""
    cursor.execute(transactions.ALONE, [transactions.sums_of(organization_id)])
    while add_up(organization_id):
        pass


def came(organization_id: UUID, count: int) -> None:
    """So many events were stored: of a good many a thread adds up what waits, so that readers find little."""
    if not _beside.came(organization_id, count) or _beside.wait(organization_id):
        return
    try:
        add_up_beside(organization_id)
    except Error:  # the events are stored: whoever reads their sums tries again
        log.warning("events of %s could not be added up yet", organization_id, exc_info=True)


def add_up_beside(organization_id: UUID) -> Left:
    """As `add_up_next`, in the thread unless that is at another organization's."""
    left = _beside.add_up(organization_id)
    return add_up_next(organization_id) if left is None else left


def add_up_due() -> bool:
    """Step after step for some seconds, every organization in turn; True when there is more to do."""
    return step_through(due(), add_up_next)


def due() -> list[UUID]:
    with as_sweep():
        return list(Waiting.objects.order_by().values_list("organization_id", flat=True).distinct())


def add_up_next(organization_id: UUID) -> Left:
    with organization_scope(organization_id, up_to_date=False):
        return add_up(organization_id, is_last=True)


@pages_first.giving_way()
def add_up_aside(organization_id: UUID) -> Left:
    """In turns while a page is made. Where somebody reads totals, those come first, in a step of their own: they wait
    for no other."""
    if not cache.get(read_mark(organization_id)):
        return add_up_next(organization_id)
    total_next(organization_id)
    with organization_scope(organization_id, up_to_date=False):
        return add_up(organization_id, is_last=True, aside=True)


def total_for_reader(organization_id: UUID) -> Left:
    """Readers say so to the threads of all processes."""
    mark = read_mark(organization_id)
    if caches["process"].add(mark, True, TOLD_FOR):
        cache.set(mark, True, READ_FOR)
    return total_next(organization_id)


def read_mark(organization_id: UUID) -> str:
    return name_within(organization_id, "totals-read")


def total_next(organization_id: UUID) -> Left:
    with organization_scope(organization_id, up_to_date=False):
        return total(organization_id, is_last=True)


_beside = Beside(add_up_next, unasked=add_up_aside)
