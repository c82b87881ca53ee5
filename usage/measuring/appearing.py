"""How many different runs and customers there were: exact for each day, and for any range of days.

Each counts on each of its days, together with the day on which it was there before. Over a range it counts once, on
its first day in it: there the day before lies before the range. A run holds its days itself; those of a customer are
rows. Of a run that was there on a day with parents alone, that day is its own or not.
"""

from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Sum

from accounts.models import Organization
from usage.appearances import AppearanceCount
from usage.measuring.given import by_name
from usage.measuring.sums import ROLLUPS

RUN, CUSTOMER = "run", "customer"
NEVER, ORGANIZATION = "DATE '0001-01-01'", "%(organization)s"
ID_OF_RUN = ROLLUPS["runs"].hashes["id"].replace("organization_id", "%(organization)s::uuid")


def counted(turned: str) -> str:
    """Adds how many are more or fewer by kind, day and day before. $1: organization."""
    return f"""
    INSERT INTO usage_appearancecount AS held (organization_id, kind, day, before, count)
    SELECT $1, kind, day, before, sum(change) FROM ({turned}) AS turned WHERE day IS NOT NULL
    GROUP BY kind, day, before HAVING sum(change) <> 0 ORDER BY kind, day, before
    ON CONFLICT (organization_id, kind, day, before) DO UPDATE SET count = held.count + excluded.count"""  # noqa: S608  # words of ours


def steps(days: str, change: str) -> str:
    """Of runs whose days were others before, each with the one before it."""
    return f"""
    SELECT '{RUN}' AS kind, unnest({days}) AS day, unnest({NEVER} || {days}) AS before, {change} AS change FROM moved"""  # noqa: S608  # words of ours


# What follows where rows of runs are written and tell their days, as ROLLUPS has it; very many have the same ones.
TURNED = f"{steps('was', '-runs')} UNION ALL {steps('days', 'runs')}"
COUNT_RUNS = f"""
moved AS (SELECT was, days, count(*) AS runs FROM runs WHERE days <> was GROUP BY was, days),
counted_runs AS ({counted(TURNED)})"""  # noqa: S608  # words of ours


def nearest(beside: str, order: str) -> str:
    """The day next to one on which somebody was there too: no other one matters, and most have very many."""
    return f"""(
            SELECT a.day FROM usage_appearance a
            WHERE a.organization_id = $1 AND a.kind = touched.kind AND a.value = touched.value
                AND a.day {beside} touched.day
            ORDER BY a.day {order} LIMIT 1
        )"""  # noqa: S608  # words of ours


# The same for customers: `gone` and `come` are the changes, `old` is what was. Of a day whose own day before is not
# among them, as it did not change, the same is taken away and added.
COUNT = f"""
gone AS ({{gone}}), come AS (
    INSERT INTO usage_appearance (organization_id, kind, value, day)
    SELECT $1, '{CUSTOMER}', * FROM ({{there}}) AS there
    ON CONFLICT DO NOTHING RETURNING kind, value, day
), old AS (
    SELECT * FROM gone
    UNION
    SELECT touched.kind, touched.value, beside.day FROM (SELECT * FROM gone UNION ALL SELECT * FROM come) AS touched
        CROSS JOIN LATERAL ({nearest("<", "DESC")} UNION ALL {nearest(">", "ASC")}) AS beside
), turned AS (
    SELECT kind, day, lag(day, 1, {NEVER}) OVER w AS before, -1 AS change FROM old
    WINDOW w AS (PARTITION BY value, kind ORDER BY day)
    UNION ALL
    SELECT kind, day, lag(day, 1, {NEVER}) OVER w, 1
    FROM (SELECT * FROM old EXCEPT ALL SELECT * FROM gone UNION ALL SELECT * FROM come) AS every
    WINDOW w AS (PARTITION BY value, kind ORDER BY day)
), counted AS ({counted("TABLE turned")})"""  # noqa: S608  # words of ours
HASHED = "md5(name)::uuid AS value"
# Those of `events`, in the statement that adds them up; whoever runs it is the only one.
NOTE = COUNT.format(
    gone="SELECT kind, value, day FROM usage_appearance WHERE false",
    there=f"SELECT {HASHED}, zone_day FROM (SELECT DISTINCT customer AS name, zone_day FROM every_event) AS named "  # noqa: S608
    "WHERE name IS NOT NULL",
)


OF_DAY = "organization_id = %(organization)s AND day BETWEEN %(day)s - 1 AND %(day)s + 1 AND zone_day = %(day)s"
CUSTOMERS = f"SELECT DISTINCT customer FROM usage_event WHERE {OF_DAY} AND customer IS NOT NULL"  # noqa: S608
RUNS = f"""
SELECT run, bool_and(is_parent IS TRUE) FROM usage_event WHERE {OF_DAY} AND run IS NOT NULL GROUP BY run"""  # noqa: S608
THERE = f"SELECT {HASHED}, %(day)s::date AS day FROM unnest(%(customers)s::text[]) AS of (name)"  # noqa: S608
NOTED = "usage_appearance a WHERE a.organization_id = %(organization)s AND a.day = %(day)s"
GONE = f"""
{NOTED} AND %(is_whole)s AND NOT EXISTS (SELECT FROM ({THERE}) AS there WHERE there.value = a.value)"""
LEAVE = f"DELETE FROM {GONE} RETURNING kind, value, day"  # noqa: S608  # words of ours
SETTLE = by_name(f"WITH {COUNT.format(gone=LEAVE, there=THERE)} SELECT", ORGANIZATION)


def runs_of(names: str) -> str:
    return f"SELECT {ID_OF_RUN} AS id FROM unnest({names}::text[]) AS of (run)"  # noqa: S608  # words of ours


# Those that only a day near their beginning can be of, and all others.
OTHER_DAYS = "(days[2] IS NOT NULL OR days[1] < day - 1 OR days[1] > day + 1)"
NOTED_RUNS = f"""
SELECT id, days FROM usage_run
WHERE organization_id = %(organization)s AND day BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
    AND %(day)s = ANY(days) AND {OTHER_DAYS} IS NOT TRUE
UNION ALL
SELECT id, days FROM usage_run
WHERE organization_id = %(organization)s AND %(day)s = ANY(days) AND {OTHER_DAYS}"""  # noqa: S608  # words of ours
GONE_RUNS = f"""
SELECT id, array_remove(days, %(day)s) AS days FROM ({NOTED_RUNS}) AS noted
WHERE %(is_whole)s AND NOT EXISTS (SELECT FROM ({runs_of("%(runs)s")}) AS there WHERE there.id = noted.id)"""  # noqa: S608
COME_RUNS = f"""
SELECT run.id, (SELECT array_agg(day ORDER BY day) FROM unnest(run.days || %(day)s::date) AS each (day))
FROM ({runs_of("%(leaves)s")}) AS there
JOIN usage_run run ON run.organization_id = %(organization)s AND run.id = there.id
WHERE NOT %(day)s = ANY(run.days)"""  # noqa: S608  # words of ours
SETTLE_RUNS = by_name(
    f"""
WITH changed AS ({GONE_RUNS} UNION ALL {COME_RUNS}), runs AS (
    UPDATE usage_run run SET days = changed.days FROM changed
    WHERE run.organization_id = %(organization)s AND run.id = changed.id {ROLLUPS["runs"].telling}
), {COUNT_RUNS} SELECT""",  # noqa: S608  # words of ours
    ORGANIZATION,
)
DIFFERING = {
    "usage_appearance": f"SELECT (SELECT count(*) FROM {GONE}) "  # noqa: S608  # words of ours
    f"+ (SELECT count(*) FROM (SELECT value FROM ({THERE}) AS there EXCEPT SELECT value FROM {NOTED}) AS missing)",
    "usage_run": f"SELECT count(*) FROM ({GONE_RUNS} UNION ALL {COME_RUNS}) AS changed",  # noqa: S608  # words of ours
}
COUNTED = f"""
SELECT kind, before, count(*) FROM (
    SELECT a.kind, coalesce((
        SELECT max(b.day) FROM usage_appearance b
        WHERE b.organization_id = a.organization_id AND b.kind = a.kind AND b.value = a.value AND b.day < a.day
    ), {NEVER}) AS before FROM {NOTED} AND a.kind = '{CUSTOMER}'
    UNION ALL
    SELECT '{RUN}', coalesce(days[array_position(days, %(day)s) - 1], {NEVER}) FROM ({NOTED_RUNS}) AS noted
) AS each GROUP BY kind, before"""  # noqa: S608  # words of ours
HELD = "usage_appearancecount WHERE organization_id = %(organization)s AND day = %(day)s"
DIFFERING["usage_appearancecount"] = f"""
WITH counted AS ({COUNTED}), held AS (SELECT kind, before, count FROM {HELD} AND count <> 0)
SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM held) AS missing)
    + (SELECT count(*) FROM (SELECT * FROM held EXCEPT SELECT * FROM counted) AS wrong)"""  # noqa: S608
COUNT_ANEW = f"""
DELETE FROM {HELD};
INSERT INTO usage_appearancecount (organization_id, day, kind, before, count)
SELECT %(organization)s, %(day)s, counted.* FROM ({COUNTED}) AS counted"""  # noqa: S608


def settle(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> None:
    """Note who was there on a day by its events; with `is_whole` nobody else was. Nobody writes meanwhile."""
    params = there(own, organization_id, day, is_whole=is_whole)
    own.execute(SETTLE, params)
    own.execute(SETTLE_RUNS, params)


def differing(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> dict[str, int]:
    """How many were on a day otherwise than its events say, and how many counts are not those of who was, by table."""
    params = there(own, organization_id, day, is_whole=is_whole)
    found = {}
    for table, asked in DIFFERING.items():
        own.execute(asked, params)
        found[table] = own.fetchone()[0]
    return {table: count for table, count in found.items() if count}


def make_anew(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> None:
    """Who was there, and the counts of that day; of others, only what follows from the first."""
    settle(own, organization_id, day, is_whole=is_whole)
    own.execute(COUNT_ANEW, {"organization": organization_id, "day": day})


def there(own: Any, organization_id: UUID, day: date, *, is_whole: bool) -> dict[str, Any]:
    """Whom the events of a day name, as the statements take it; `leaves` are runs that not only parents name."""
    params: dict[str, Any] = {"organization": organization_id, "day": day, "is_whole": is_whole}
    own.execute(CUSTOMERS, params)
    customers = [name for (name,) in own.fetchall()]
    own.execute(RUNS, params)
    runs = own.fetchall()
    leaves = [name for name, only_parents in runs if not only_parents]
    return params | {"customers": customers, "runs": [name for name, _ in runs], "leaves": leaves}


def unique(organization: Organization, kind: str, *, start: date, end: date) -> int:
    """How many different ones there were from a day in the organization's zone up to, not including, another."""
    counts = AppearanceCount.objects.owned_by(organization).filter(kind=kind, day__gte=start, day__lt=end)
    return counts.filter(before__lt=start).aggregate(total=Sum("count"))["total"] or 0
