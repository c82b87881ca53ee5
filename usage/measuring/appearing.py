"""How many different runs and customers there were: exact for each day, and for any range of days.

Each counts on each of its days, together with the day on which it was there before. Over a range it counts once, on
its first day in it: there the day before lies before the range.
"""

from collections.abc import Collection, Iterable
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Sum
from psycopg import ClientCursor as Cursor

from accounts.models import Organization
from tokentra.lib.tenancy import name_within
from usage.measured import AppearanceCount
from usage.measuring.reading import hashed

RUN, CUSTOMER = "run", "customer"

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0));"
# What is counted of a value before and after its days changed. `gone` and `new` are the changes, `old` is what was.
COUNT = """
WITH gone AS ({gone}), new AS (
    INSERT INTO usage_appearance (organization_id, kind, value, day) {new}
    ON CONFLICT DO NOTHING RETURNING kind, value, day
), old AS (
    SELECT touched.*, held.day FROM (SELECT kind, value FROM gone UNION SELECT kind, value FROM new) AS touched
    CROSS JOIN LATERAL (
        SELECT a.day FROM usage_appearance a
        WHERE a.organization_id = %(organization)s AND a.kind = touched.kind AND a.value = touched.value OFFSET 0
    ) AS held
), turned AS (
    SELECT kind, day, lag(day, 1, DATE '0001-01-01') OVER w AS before, -1 AS change FROM old
    WINDOW w AS (PARTITION BY kind, value ORDER BY day)
    UNION ALL
    SELECT kind, day, lag(day, 1, DATE '0001-01-01') OVER w, 1
    FROM (SELECT * FROM old EXCEPT ALL SELECT * FROM gone UNION ALL SELECT * FROM new) AS every
    WINDOW w AS (PARTITION BY kind, value ORDER BY day)
)
INSERT INTO usage_appearancecount AS held (organization_id, kind, day, before, count)
SELECT %(organization)s, kind, day, before, sum(change) FROM turned
GROUP BY kind, day, before HAVING sum(change) <> 0 ORDER BY kind, day, before
ON CONFLICT (organization_id, kind, day, before) DO UPDATE SET count = held.count + excluded.count"""
NOBODY = "SELECT kind, value, day FROM usage_appearance WHERE false"
ADD = COUNT.format(
    gone=NOBODY, new="SELECT %(organization)s, * FROM unnest(%(kinds)s::text[], %(values)s::uuid[], %(days)s::date[])"
)
SETTLE = COUNT.format(
    gone="""
    DELETE FROM usage_appearance a
    WHERE %(is_whole)s AND a.organization_id = %(organization)s AND a.day = %(day)s
        AND NOT EXISTS (
            SELECT FROM unnest(%(kinds)s::text[], %(values)s::uuid[]) AS there (kind, value)
            WHERE there.kind = a.kind AND there.value = a.value
        )
    RETURNING kind, value, day""",
    new="SELECT %(organization)s, kind, value, %(day)s FROM unnest(%(kinds)s::text[], %(values)s::uuid[])"
    " AS there (kind, value)",
)

MOST_REMEMBERED = 50_000

There = tuple[str, str, date]  # kind, name, day in the organization's zone


def unknown(organization_id: UUID, zone: str, there: Collection[There]) -> set[There]:
    """Those of whom this process does not know that they are noted on these days of the zone."""
    noted = _noted.get((organization_id, zone))
    return {each for each in there if each not in noted} if noted else set(there)


def add(own: Cursor[Any], organization_id: UUID, new: Collection[There]) -> None:
    """Note who was not noted before, in the transaction that stores the events that say so.

    One writer of the organization at a time goes on from here to its commit.
    """
    if new:
        kinds, values, days = columns(new)
        lock = {"name": name_within(organization_id, "appearances"), "organization": organization_id}
        own.execute(LOCK + ADD, lock | {"kinds": kinds, "values": values, "days": days})


@lru_cache(MOST_REMEMBERED)
def value_of(name: str) -> UUID:
    return hashed(name.encode())


def settle(own: Any, organization_id: UUID, day: date, there: Collection[tuple[str, str]], *, is_whole: bool) -> None:
    """Note who was there on a day, by kind and name; with `is_whole` nobody else was. Nobody writes meanwhile."""
    kinds, values = [kind for kind, _ in there], [value_of(name) for _, name in there]
    params = {"organization": organization_id, "day": day, "is_whole": is_whole, "kinds": kinds, "values": values}
    own.execute(SETTLE, params)


def remember(organization_id: UUID, zone: str, there: Iterable[There]) -> None:
    """They are noted for as long as this is the zone; a process need not ask again."""
    if sum(map(len, _noted.values())) > MOST_REMEMBERED:
        _noted.clear()
    _noted.setdefault((organization_id, zone), set()).update(there)


_noted: dict[tuple[UUID, str], set[There]] = {}


def columns(there: Collection[There]) -> tuple[list[str], list[UUID], list[date]]:
    return [kind for kind, _, _ in there], [value_of(name) for _, name, _ in there], [day for _, _, day in there]


def unique(organization: Organization, kind: str, *, start: date, end: date) -> int:
    """How many different ones there were from a day in the organization's zone up to, not including, another."""
    counts = AppearanceCount.objects.owned_by(organization).filter(kind=kind, day__gte=start, day__lt=end)
    return counts.filter(before__lt=start).aggregate(total=Sum("count"))["total"] or 0
