"""How many different runs and customers there were: exact for each day, and for any range of days.

Each counts on each of its days, together with the day on which it was there before. Over a range it counts once, on
its first day in it: there the day before lies before the range.
"""

from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Sum

from accounts.models import Organization
from usage.appearances import AppearanceCount

RUN, CUSTOMER = "run", "customer"
HASHED = "md5(name)::uuid"


def named(events: str, where: str = "true") -> str:
    """Who was there on each day, by kind and name, of events that a condition chooses. SQL of ours."""
    return " UNION ALL ".join(
        f"SELECT DISTINCT '{kind}' AS kind, {kind} AS name, zone_day FROM {events} WHERE {where} AND {kind} IS NOT NULL"  # noqa: S608
        for kind in (RUN, CUSTOMER)
    )


def nearest(beside: str, order: str) -> str:
    """The day next to one on which somebody was there too: no other one matters, and most have very many."""
    return f"""(
            SELECT a.day FROM usage_appearance a
            WHERE a.organization_id = {{organization}} AND a.kind = touched.kind AND a.value = touched.value
                AND a.day {beside} touched.day
            ORDER BY a.day {order} LIMIT 1
        )"""  # noqa: S608  # words of ours


# What is counted of those days before and after some changed. `gone` and `new` are the changes, `old` is what was. Of
# a day whose own day before is not among them, as it did not change, the same is taken away and added. Most runs are
# there for the first time, on one day: no row of theirs can be in the way, and no other day lies beside theirs.
COUNT = f"""
gone AS ({{gone}}), named AS MATERIALIZED (
    SELECT named.*, before.* FROM (SELECT DISTINCT kind, value, day FROM ({{new}}) AS each) AS named
        LEFT JOIN LATERAL (
            SELECT true AS was_there FROM usage_appearance a
            WHERE a.organization_id = {{organization}} AND a.kind = named.kind AND a.value = named.value LIMIT 1
        ) AS before ON true
), first AS (
    INSERT INTO usage_appearance (organization_id, kind, value, day)
    SELECT {{organization}}, kind, value, day FROM named WHERE was_there IS NULL RETURNING kind, value, day
), again AS (
    INSERT INTO usage_appearance (organization_id, kind, value, day)
    SELECT {{organization}}, kind, value, day FROM named WHERE was_there
    ON CONFLICT DO NOTHING RETURNING kind, value, day
), firsts AS MATERIALIZED (
    SELECT kind, value, array_agg(day) AS days FROM first GROUP BY kind, value
), new AS (
    SELECT kind, value, unnest(days) AS day FROM firsts WHERE cardinality(days) > 1 UNION ALL SELECT * FROM again
), old AS (
    SELECT * FROM gone
    UNION
    SELECT touched.kind, touched.value, beside.day FROM (SELECT * FROM gone UNION ALL SELECT * FROM again) AS touched
        CROSS JOIN LATERAL ({nearest("<", "DESC")} UNION ALL {nearest(">", "ASC")}) AS beside
), turned AS (
    SELECT kind, day, lag(day, 1, DATE '0001-01-01') OVER w AS before, -1 AS change FROM old
    WINDOW w AS (PARTITION BY value, kind ORDER BY day)
    UNION ALL
    SELECT kind, day, lag(day, 1, DATE '0001-01-01') OVER w, 1
    FROM (SELECT * FROM old EXCEPT ALL SELECT * FROM gone UNION ALL SELECT * FROM new) AS every
    WINDOW w AS (PARTITION BY value, kind ORDER BY day)
    UNION ALL
    SELECT kind, days[1], DATE '0001-01-01', 1 FROM firsts WHERE cardinality(days) = 1
), counted AS (
    INSERT INTO usage_appearancecount AS held (organization_id, kind, day, before, count)
    SELECT {{organization}}, kind, day, before, sum(change) FROM turned
    GROUP BY kind, day, before HAVING sum(change) <> 0 ORDER BY kind, day, before
    ON CONFLICT (organization_id, kind, day, before) DO UPDATE SET count = held.count + excluded.count
)"""  # noqa: S608  # words of ours
# Those of `events`, in the statement that adds them up. $1: organization; whoever runs it is the only one.
NOTE = COUNT.format(
    organization="$1",
    gone="SELECT kind, value, day FROM usage_appearance WHERE false",
    new=f"SELECT kind, {HASHED} AS value, zone_day AS day FROM ({named('every_event')}) AS named",  # noqa: S608
)
OF_DAY = "organization_id = %(organization)s AND day BETWEEN %(day)s - 1 AND %(day)s + 1 AND zone_day = %(day)s"
NAMES = f"SELECT kind, name FROM ({named('usage_event', OF_DAY)}) AS named"  # noqa: S608  # words of ours
THERE = f"SELECT kind, {HASHED} AS value FROM unnest(%(kinds)s::text[], %(names)s::text[]) AS there (kind, name)"  # noqa: S608
NOTED = "usage_appearance a WHERE a.organization_id = %(organization)s AND a.day = %(day)s"
GONE = f"""
{NOTED} AND %(is_whole)s
    AND NOT EXISTS (SELECT FROM ({THERE}) AS there WHERE there.kind = a.kind AND there.value = a.value)"""
SETTLED = COUNT.format(
    organization="%(organization)s",
    gone=f"DELETE FROM {GONE} RETURNING kind, value, day",  # noqa: S608
    new=f"SELECT kind, value, %(day)s::date AS day FROM ({THERE}) AS there",  # noqa: S608
)
SETTLE = f"WITH {SETTLED} SELECT"
DIFFERING = f"""
SELECT (SELECT count(*) FROM {GONE})
    + (SELECT count(*) FROM ({THERE} EXCEPT SELECT kind, value FROM {NOTED}) AS missing)"""  # noqa: S608
COUNTED = f"""
SELECT kind, before, count(*) FROM (
    SELECT a.kind, coalesce((
        SELECT max(b.day) FROM usage_appearance b
        WHERE b.organization_id = a.organization_id AND b.kind = a.kind AND b.value = a.value AND b.day < a.day
    ), DATE '0001-01-01') AS before FROM {NOTED}
) AS each GROUP BY kind, before"""  # noqa: S608
HELD = "usage_appearancecount WHERE organization_id = %(organization)s AND day = %(day)s"
COUNTS = f"""
WITH counted AS ({COUNTED}), held AS (SELECT kind, before, count FROM {HELD} AND count <> 0)
SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM held) AS missing)
    + (SELECT count(*) FROM (SELECT * FROM held EXCEPT SELECT * FROM counted) AS wrong)"""  # noqa: S608
COUNT_ANEW = f"""
DELETE FROM {HELD};
INSERT INTO usage_appearancecount (organization_id, day, kind, before, count)
SELECT %(organization)s, %(day)s, counted.* FROM ({COUNTED}) AS counted"""  # noqa: S608


def settle(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> None:
    """Note who was there on a day by its events; with `is_whole` nobody else was. Nobody writes meanwhile."""
    own.execute(SETTLE, there(own, organization_id, day, is_whole=is_whole))


def differing(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> dict[str, int]:
    """How many were on a day otherwise than its events say, and how many counts are not those of who was, by table."""
    params = there(own, organization_id, day, is_whole=is_whole)
    found = {}
    for table, asked in (("usage_appearance", DIFFERING), ("usage_appearancecount", COUNTS)):
        own.execute(asked, params)
        found[table] = own.fetchone()[0]
    return {table: count for table, count in found.items() if count}


def make_anew(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> None:
    """Who was there, and the counts of that day; of others, only what follows from the first."""
    settle(own, organization_id, day, is_whole=is_whole)
    own.execute(COUNT_ANEW, {"organization": organization_id, "day": day})


def there(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> dict[str, Any]:
    """Whom the events of a day name, as the statements take it."""
    params: dict[str, Any] = {"organization": organization_id, "day": day, "is_whole": is_whole}
    own.execute(NAMES, params)
    found = own.fetchall()
    return params | {"kinds": [kind for kind, _ in found], "names": [name for _, name in found]}


def unique(organization: Organization, kind: str, *, start: date, end: date) -> int:
    """How many different ones there were from a day in the organization's zone up to, not including, another."""
    counts = AppearanceCount.objects.owned_by(organization).filter(kind=kind, day__gte=start, day__lt=end)
    return counts.filter(before__lt=start).aggregate(total=Sum("count"))["total"] or 0
