"""How many different runs and customers there were: exact for each day, and for any range of days.

Each counts on each of its days, together with the day on which it was there before. Over a range it counts once, on
its first day in it: there the day before lies before the range.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Sum
from psycopg import ClientCursor as Cursor

from accounts.models import Organization
from tokentra.lib.tenancy import name_within
from usage.measured import AppearanceCount

RUN, CUSTOMER = "run", "customer"

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0));"
# What is counted of a value before and after its new days came between its old ones.
ADD = """
WITH new AS (
    INSERT INTO usage_appearance (organization_id, kind, value, day)
    SELECT %(organization)s, * FROM unnest(%(kinds)s::text[], %(values)s::uuid[], %(days)s::date[])
    ON CONFLICT DO NOTHING RETURNING kind, value, day
), old AS (
    SELECT touched.*, held.day FROM (SELECT DISTINCT kind, value FROM new) AS touched CROSS JOIN LATERAL (
        SELECT a.day FROM usage_appearance a
        WHERE a.organization_id = %(organization)s AND a.kind = touched.kind AND a.value = touched.value OFFSET 0
    ) AS held
), turned AS (
    SELECT kind, day, lag(day, 1, DATE '0001-01-01') OVER w AS before, -1 AS change FROM old
    WINDOW w AS (PARTITION BY kind, value ORDER BY day)
    UNION ALL
    SELECT kind, day, lag(day, 1, DATE '0001-01-01') OVER w, 1
    FROM (SELECT * FROM old UNION ALL SELECT * FROM new) AS every
    WINDOW w AS (PARTITION BY kind, value ORDER BY day)
)
INSERT INTO usage_appearancecount AS held (organization_id, kind, day, before, count)
SELECT %(organization)s, kind, day, before, sum(change) FROM turned
GROUP BY kind, day, before HAVING sum(change) <> 0 ORDER BY kind, day, before
ON CONFLICT (organization_id, kind, day, before) DO UPDATE SET count = held.count + excluded.count"""

MOST_REMEMBERED = 50_000

There = tuple[str, UUID, date]  # kind, hash of its name, day in the organization's zone


def unknown(organization_id: UUID, there: Collection[There]) -> set[There]:
    """Those of whom this process does not know that they are noted."""
    return {each for each in there if (organization_id, *each) not in _noted}


def add(own: Cursor[Any], organization_id: UUID, new: Collection[There]) -> None:
    """Note who was not noted before, in the transaction that stores the events that say so.

    One writer of the organization at a time goes on from here to its commit.
    """
    if new:
        kinds, values, days = columns(new)
        lock = {"name": name_within(organization_id, "appearances"), "organization": organization_id}
        own.execute(LOCK + ADD, lock | {"kinds": kinds, "values": values, "days": days})


def remember(organization_id: UUID, there: Iterable[There]) -> None:
    """They are noted for good; a process need not ask again."""
    if len(_noted) > MOST_REMEMBERED:
        _noted.clear()
    _noted.update((organization_id, *each) for each in there)


_noted: set[tuple[UUID, str, UUID, date]] = set()


def columns(there: Collection[There]) -> tuple[list[str], list[UUID], list[date]]:
    return [kind for kind, _, _ in there], [value for _, value, _ in there], [day for _, _, day in there]


def unique(organization: Organization, kind: str, *, start: date, end: date) -> int:
    """How many different ones there were from a day in the organization's zone up to, not including, another."""
    counts = AppearanceCount.objects.owned_by(organization).filter(kind=kind, day__gte=start, day__lt=end)
    return counts.filter(before__lt=start).aggregate(total=Sum("count"))["total"] or 0
