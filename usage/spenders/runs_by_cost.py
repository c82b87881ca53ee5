"""Very many runs by what they cost: an index holds those of each UTC day in this order.

A first look at a few of each day finds a run that the page ends with at the latest. Up to that one the days hold
hardly more than the page shows.
"""

from collections.abc import Mapping
from datetime import UTC
from math import inf
from uuid import UUID

from django.db import connection
from django.db.models import Max, Min, QuerySet

from accounts.models import Organization
from tokentra.lib.periods import DAY
from usage.measured import Run

Place = tuple[float, UUID]  # in the order, in which runs that cost the same stand by their ids

LOWEST: Place = (-inf, UUID(int=0))
HIGHEST: Place = (inf, UUID(int=2**128 - 1))
FIELDS = [field.attname for field in Run._meta.concrete_fields]
COLUMNS = ", ".join(f"run.{name}" for name in FIELDS)

# Asked of each run on the way. An index on agents could not answer it: it would find those of all days for each day.
WANTED = " AND {name} IS NOT DISTINCT FROM %({name})s"
DAYS = "unnest(%(days)s::date[]) AS asked (day)"
OF_DAY = """SELECT * FROM usage_run WHERE organization_id = %(organization)s AND usage_run.day = asked.day
        AND (asked.day NOT IN (%(first_day)s, %(last_day)s) OR started_at BETWEEN %(first)s AND %(last)s){wanted}
        AND (cost_order, id) {behind} (%(cost)s, %(id)s)"""
ORDER = "ORDER BY cost_order {turn}, id {turn}"
FOUND = f"""
WITH latest AS (
    (SELECT run.cost_order, run.id FROM {DAYS} CROSS JOIN LATERAL ({OF_DAY} {ORDER} LIMIT %(each)s) AS run
    {ORDER} LIMIT 1 OFFSET %(most)s - 1)
    UNION ALL SELECT %(end_cost)s, %(end_id)s ORDER BY cost_order {{turn}} LIMIT 1
)
SELECT {COLUMNS} FROM latest CROSS JOIN {DAYS} CROSS JOIN LATERAL (
    {OF_DAY} AND (cost_order, id) {{before}}= (latest.cost_order, latest.id) {ORDER} LIMIT %(most)s
) AS run ORDER BY run.cost_order {{turn}}, run.id {{turn}} LIMIT %(most)s"""  # noqa: S608  # words of ours
ASCENDING = {"turn": "ASC", "behind": ">", "before": "<"}
DESCENDING = {"turn": "DESC", "behind": "<", "before": ">"}


def found(
    organization: Organization,
    chosen: "QuerySet[Run]",
    filters: Mapping[str, str],
    place: Place | None,
    *,
    is_descending: bool,
    most: int,
) -> list[Run]:
    """The first ones behind a place, of those that are chosen by the filters and by when they began."""
    ends = chosen.aggregate(first=Min("started_at"), last=Max("started_at"))
    if ends["first"] is None:
        return []
    first, last = (at.astimezone(UTC).date() for at in ends.values())
    days = [first + number * DAY for number in range((last - first).days + 1)]
    start, end = (HIGHEST, LOWEST) if is_descending else (LOWEST, HIGHEST)
    (cost, id), (end_cost, end_id) = place or start, end
    values = ends | {"first_day": first, "last_day": last, "days": days, "organization": organization.pk}
    values |= {"cost": cost, "id": id, "end_cost": end_cost, "end_id": end_id}
    values |= {"most": most, "each": 2 * most // len(days) + 1, **filters}
    wanted = "".join(WANTED.format(name=name) for name in filters)
    sql = FOUND.format(wanted=wanted, **(DESCENDING if is_descending else ASCENDING))
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [Run.from_db(connection.alias, FIELDS, row) for row in cursor.fetchall()]
