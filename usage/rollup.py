"""Rows added up: what rollups hold is always made anew, for whole days of one connection, from its rows."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from usage.counting import with_counterpart
from usage.models import COUNTS
from usage.rows import TOKEN_CLASSES

DIMENSIONS = ("model", "project", "api_key", "user", "service_tier")
DAYS_AT_ONCE = 31

_TOTAL = " + ".join(f"r.{name}" for name in TOKEN_CLASSES)
_SHARED = ("organization_id", "connection_id", "provider", "ledger", "currency", "basis", "counted")
_SUMS = (*COUNTS, "amount", "requests", "unpriced_tokens")
_MEASURES = (*_SUMS, "requests_known", "tokens_counted", "units")

# Which rows there are to add up, and whether each counts (decisions.md 5): usage while no bill counts, the
# bill once it does; before that only its lines that no usage of the day stands for. Zeroed rows are left out.
_ROWS = f"""
WITH rows AS (
    SELECT r.organization_id, r.connection_id, r.provider, r.ledger, r.currency, r.basis,
        CASE r.ledger
            WHEN 'usage' THEN NOT r.day = ANY(%(bill_days)s::date[])
            WHEN 'billed' THEN r.day = ANY(%(bill_days)s::date[]) OR r.kind = 'unit'
                OR NOT (r.day - DATE '2000-01-01') || ' ' || r.model = ANY(%(paired)s::text[])
            ELSE false
        END AS counted,
        r.ledger = 'usage' AS tokens_counted,
        r.day, date_trunc('hour', r.start, 'UTC') AS hour, r.seconds,
        r.model, r.project, r.api_key, r.user_ref, r.service_tier, r.batch, r.line_item,
        {", ".join(f"r.{name}" for name in COUNTS)}, r.units,
        coalesce(r.amount, 0) AS amount, coalesce(r.requests, 0) AS requests,
        r.requests IS NOT NULL OR r.kind = 'unit' AS requests_known,
        CASE WHEN r.amount IS NULL AND r.kind = 'tokens' THEN {_TOTAL} ELSE 0 END AS unpriced_tokens
    FROM usage_usagerecord r
    WHERE r.organization_id = %(organization)s AND r.connection_id = %(connection)s AND r.day = ANY(%(days)s)
        AND (r.amount <> 0 OR r.requests <> 0 OR {_TOTAL} <> 0 OR r.units <> '{{}}')
)"""  # noqa: S608  # names of ours
_ADDED = ", ".join(
    [
        *(f"sum({name})" for name in _SUMS),
        "bool_and(requests_known)",
        "bool_and(tokens_counted)",
        "coalesce(usage_sum_units(units) FILTER (WHERE units <> '{}'), '{}')",
    ]
)
_DAY_OF_HOUR = "(hour AT TIME ZONE 'UTC')::date"
_HOURS_OF_DAYS = f"""organization_id = %(organization)s AND connection_id = %(connection)s
    AND dimension = ANY(%(dimensions)s) AND hour >= %(first)s AND hour < %(end)s
    AND {_DAY_OF_HOUR} = ANY(%(days)s)"""


def _named(*columns: str) -> str:
    """A stable id for a group: the hash of its dimensions."""
    return f"md5(concat_ws(chr(31), {', '.join(columns)}))::uuid"


@dataclass(frozen=True)
class Table:
    """A rollup: its group columns, where its sums come from and which of its rows are of the asked days."""

    name: str
    groups: tuple[str, ...]
    source: str
    prefix: str
    scope: str

    @property
    def columns(self) -> str:
        return ", ".join((*_SHARED, *self.groups, "id", *_MEASURES))

    @property
    def sums(self) -> str:
        groups = (*_SHARED, *self.groups)
        group_by = ", ".join(str(place) for place in range(1, len(groups) + 1))
        identity = _named(*groups)
        return (
            f"{self.prefix} SELECT {', '.join(groups)}, {identity}, {_ADDED} "  # noqa: S608  # names of ours
            f"FROM {self.source} GROUP BY {group_by}"
        )

    @property
    def rows(self) -> str:
        return f"SELECT {self.columns} FROM {self.name} WHERE {self.scope}"  # noqa: S608  # names of ours


_BY_DIMENSION = """CROSS JOIN LATERAL (
    VALUES ('model', model), ('project', project), ('api_key', api_key), ('user', user_ref),
        ('service_tier', service_tier)
) AS by (dimension, value)"""
_DAYS = "organization_id = %(organization)s AND connection_id = %(connection)s AND day = ANY(%(days)s)"
# The models of each day, on the bill and in the usage.
_MODELS = f"""
SELECT day, ledger, array_agg(DISTINCT model) FROM usage_usagerecord r WHERE {_DAYS} AND model <> ''
    AND ((ledger = 'usage' AND {_TOTAL} > 0) OR (ledger = 'billed' AND kind = 'tokens'))
GROUP BY day, ledger"""  # noqa: S608  # names of ours
_BILL_DAYS = f"SELECT day FROM usage_ledgerday WHERE {_DAYS} AND counted = 'bill'"  # noqa: S608  # names of ours
HOURS = Table(
    "usage_hourrollup",
    ("dimension", "value", "hour", "seconds"),
    f"rows {_BY_DIMENSION}",
    _ROWS,
    _HOURS_OF_DAYS,
)
DIMENSION_DAYS = Table(
    "usage_daydimension",
    ("dimension", "value", "day"),
    f"(SELECT *, {_DAY_OF_HOUR} AS day FROM usage_hourrollup WHERE {_HOURS_OF_DAYS}) AS hours",  # noqa: S608
    "",
    f"dimension = ANY(%(dimensions)s) AND {_DAYS}",
)
ALL_DAYS = Table(
    "usage_dayrollup",
    ("day", "model", "project", "api_key", "user_ref", "service_tier", "batch", "line_item"),
    "rows",
    _ROWS,
    _DAYS,
)
TABLES = (HOURS, DIMENSION_DAYS, ALL_DAYS)


def rebuild(organization_id: UUID, connection_id: UUID, days: Collection[date]) -> None:
    """Make the rollups of these UTC days of a connection anew, inside the organization's scope."""
    with connection.cursor() as cursor:
        for some in _portions(days):
            params = parameters(cursor, organization_id, connection_id, some)
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table.name} WHERE {table.scope}", params)  # noqa: S608  # names of ours
                cursor.execute(f"INSERT INTO {table.name} ({table.columns}) {table.sums}", params)


def mismatches(organization_id: UUID, connection_id: UUID, days: Collection[date]) -> dict[str, int]:
    """How many rollup rows of these days are not what their rows add up to, by table."""
    found: dict[str, int] = defaultdict(int)
    with connection.cursor() as cursor:
        for some in _portions(days):
            params = parameters(cursor, organization_id, connection_id, some)
            for table in TABLES:
                missing = f"({table.sums}) EXCEPT ALL ({table.rows})"
                wrong = f"({table.rows}) EXCEPT ALL ({table.sums})"
                cursor.execute(
                    f"SELECT greatest((SELECT count(*) FROM ({missing}) AS missing), "  # noqa: S608  # names of ours
                    f"(SELECT count(*) FROM ({wrong}) AS wrong))",
                    params,
                )
                found[table.name] += cursor.fetchone()[0]
    return {table: count for table, count in found.items() if count}


def parameters(
    cursor: CursorWrapper, organization_id: UUID, connection_id: UUID, days: Sequence[date]
) -> dict[str, Any]:
    """What the statements of a Table take."""
    scope: dict[str, Any] = {"organization": organization_id, "connection": connection_id, "days": list(days)}
    cursor.execute(_MODELS, scope)
    models: dict[date, dict[str, list[str]]] = defaultdict(dict)
    for day, ledger, names in cursor.fetchall():
        models[day][ledger] = names
    cursor.execute(_BILL_DAYS, scope)
    bill_days = [day for (day,) in cursor.fetchall()]
    paired = [
        f"{(day - date(2000, 1, 1)).days} {model}"
        for day, by_ledger in models.items()
        for model in sorted(with_counterpart(by_ledger.get("billed", ()), by_ledger.get("usage", ())))
    ]
    return scope | {
        "dimensions": list(DIMENSIONS),
        "first": datetime.combine(days[0], time.min, UTC),
        "end": datetime.combine(days[-1] + timedelta(days=1), time.min, UTC),
        "bill_days": bill_days,
        "paired": paired,
    }


def _portions(days: Collection[date]) -> Iterator[list[date]]:
    ordered = sorted(set(days))
    for place in range(0, len(ordered), DAYS_AT_ONCE):
        yield ordered[place : place + DAYS_AT_ONCE]
