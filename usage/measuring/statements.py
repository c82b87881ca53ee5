"""The SQL that stores events and adds them up, made of what dimensions.py and the models declare."""

from collections.abc import Iterable, Sequence

from usage.latency import BOUNDS
from usage.measured import LATENCIES, Event
from usage.measuring.dimensions import BY_NAME, DIMENSIONS
from usage.models import COUNTS
from usage.rows import TOKEN_CLASSES

COLUMNS = tuple(str(field.column) for field in Event._meta.concrete_fields)
TYPES = {
    "UUIDField": "uuid",
    "DateTimeField": "timestamptz",
    "DateField": "date",
    "BigIntegerField": "bigint",
    "BooleanField": "boolean",
    "DecimalField": "numeric",
    "TextField": "text",
    "JSONField": "jsonb",
    "ForeignKey": "uuid",
}
TYPED = tuple(f"{field.column} {TYPES[field.get_internal_type()]}" for field in Event._meta.concrete_fields)

IN = " + ".join(f"coalesce({name}, 0)" for name in TOKEN_CLASSES if name not in ("output", "audio_out", "image_out"))
OUT = "coalesce(output, 0) + coalesce(audio_out, 0) + coalesce(image_out, 0)"
BUCKET = f"width_bucket(latency_ms - 1, ARRAY[{', '.join(map(str, BOUNDS))}]::bigint[])"

# One row for each event that counts, with what every sum needs.
LEAVES = f"""
leaves AS MATERIALIZED (
    SELECT *, coalesce(amount, 0) AS money, coalesce(currency, 'USD') AS paid_in,
        {IN} AS tokens_in, {OUT} AS tokens_out,
        amount IS NULL AS is_unpriced, status <> 'ok' AS is_error, {BUCKET} AS bucket,
        NOT (provider || ' ' || day::text) = ANY($1) AS counts
    FROM events WHERE is_parent IS NOT TRUE
)"""  # noqa: S608  # names of ours

# Sums of events, and of what is added up already.
MEASURES: dict[str, str] = {
    "calls": "count(*)",
    "errors": "count(*) FILTER (WHERE is_error)",
    "streamed": "count(*) FILTER (WHERE is_streamed)",
    "amount": "sum(money)",
    "unpriced_calls": "count(*) FILTER (WHERE is_unpriced)",
    "unpriced_tokens": "coalesce(sum(tokens_in + tokens_out) FILTER (WHERE is_unpriced), 0)",
    "tokens_in": "sum(tokens_in)",
    "tokens_cached": "coalesce(sum(cache_read), 0)",
    "tokens_out": "sum(tokens_out)",
    "latency_ms": "coalesce(sum(latency_ms), 0)",
    "first_at": "min(occurred_at)",
    "last_at": "max(occurred_at)",
}
SPREAD = {name: f"count(*) FILTER (WHERE bucket = {number})" for number, name in enumerate(LATENCIES)}
AGAIN = {name: f"sum({name})" for name in (*MEASURES, *SPREAD)} | {
    "first_at": "min(first_at)",
    "last_at": "max(last_at)",
}
HOUR = "date_bin('1 hour', occurred_at, TIMESTAMPTZ '2000-01-01 00:00+00')"
GRAIN = "date_bin($2, occurred_at, TIMESTAMPTZ '2000-01-01 00:00+00')"
ADDED = "{name} = held.{name} + excluded.{name}"
KEPT = {"counted", "tokens_counted", "seconds"}
FILLED = "{name} = CASE WHEN held.{name} = '' THEN excluded.{name} ELSE held.{name} END"
CHANGES = {
    "first_at": "{name} = least(held.{name}, excluded.{name})",
    "last_at": "{name} = greatest(held.{name}, excluded.{name})",
    "started_at": "{name} = least(held.{name}, excluded.{name})",
    "requests_known": "{name} = held.{name} AND excluded.{name}",
    "units": "{name} = CASE WHEN excluded.{name} = '{{}}' THEN held.{name} "
    "ELSE usage_add_units(held.{name}, excluded.{name}) END",
    "agent": FILLED,
    "customer": FILLED,
    "feature": FILLED,
}


def grouped(groups: dict[str, str], sums: dict[str, str], source: str) -> str:
    """What a source adds up to, by the groups; each is given as name and SQL."""
    columns = ", ".join(f"{sql} AS {name}" for name, sql in (groups | sums).items())
    by = ", ".join(str(place) for place, _ in enumerate(groups, 1))
    return f"SELECT {columns} FROM {source} GROUP BY {by}"  # noqa: S608  # names of ours


def adding(
    table: str, key: str, groups: dict[str, str], sums: dict[str, str], source: str, *, is_shared: bool = False
) -> str:
    """Adds groups of a source to a rollup whose `id` is their hash, in an order in which no two wait in a circle.

    Writers at the same time have rows of their own, by their slot ($3), so that none waits for another; whoever
    reads adds them up. Rows that are shared are one for each group.
    """
    id = identity(groups if is_shared else ("$3", *groups))
    names = ", ".join((*groups, "id", *sums))
    changes = ", ".join(CHANGES.get(name, ADDED).format(name=name) for name in sums if name not in KEPT)
    return (
        f"INSERT INTO {table} AS held ({names}) SELECT {', '.join(groups)}, {id}, "  # noqa: S608
        f"{', '.join(sums)} FROM ({grouped(groups, sums, source)}) AS added ORDER BY {key}, id "
        f"ON CONFLICT ({key}, id) DO UPDATE SET {changes}"
    )


def identity(groups: Iterable[str]) -> str:
    return f"md5(concat_ws(chr(31), {', '.join(groups)}))::uuid AS id"


def expanded(source: str, names: str, rows: Sequence[tuple[str, ...]]) -> str:
    """Each row of a source once for each of these rows of values, where all of them are known."""
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    known = " AND ".join(f"{name} IS NOT NULL" for name in names.split(", "))
    return f"{source} CROSS JOIN LATERAL (VALUES {values}) AS by ({names}) WHERE {known}"


def quoted(word: str) -> str:
    return f"'{word}'"


# The pages of what counts read the same tables for every ledger; measured events have no connection, and which
# person made a call is told by the pages of what was measured.

NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"
COUNTED = {
    "organization_id": "organization_id",
    "connection_id": NOBODY,
    "provider": "provider",
    "ledger": "'measured'",
    "currency": "paid_in",
    "basis": "basis",
}
COUNTED_PARTS = {
    "model": "model",
    "project": "coalesce(project, '')",
    "api_key": "coalesce(key_id::text, '')",
    "service_tier": "coalesce(service_tier, '')",
}
COUNTED_SUMS = {
    **{name: f"coalesce(sum({name}), 0)" for name in COUNTS},
    "amount": "sum(money)",
    "requests": "count(*)",
    "unpriced_tokens": MEASURES["unpriced_tokens"],
    "units": "coalesce(usage_sum_units(units) FILTER (WHERE units IS NOT NULL), '{}')",
    "counted": "bool_and(counts)",
    "tokens_counted": "bool_and(counts)",
    "requests_known": "true",
}
COUNTED_AGAIN = {name: f"sum({name})" for name in COUNTED_SUMS} | {
    "units": "coalesce(usage_sum_units(units) FILTER (WHERE units <> '{}'), '{}')",
    **{name: f"bool_and({name})" for name in ("counted", "tokens_counted", "requests_known")},
}
COUNTABLE = grouped(COUNTED | {"day": "day", "hour": HOUR} | COUNTED_PARTS, COUNTED_SUMS, "leaves")
AS_THEY_ARE = {name: name for name in COUNTED}
BY_PART = expanded(
    "countable",
    "dimension, value",
    [*((quoted(part), part) for part in COUNTED_PARTS), ("'user'", "''")],
)
OF_PART = {"dimension": "dimension", "value": "value"}
HOURS = adding(
    "usage_hourrollup",
    "organization_id, dimension, hour",
    AS_THEY_ARE | OF_PART | {"hour": "hour"},
    COUNTED_AGAIN | {"seconds": "3600"},
    BY_PART,
)
DAYS = adding(
    "usage_daydimension",
    "organization_id, dimension, day",
    AS_THEY_ARE | OF_PART | {"day": "day"},
    COUNTED_AGAIN,
    BY_PART,
)
CROSSED_DAYS = adding(
    "usage_dayrollup",
    "organization_id, day",
    AS_THEY_ARE
    | {"day": "day"}
    | {part: part for part in COUNTED_PARTS}
    | {"user_ref": "''", "batch": "false", "line_item": "''"},
    COUNTED_AGAIN,
    "countable",
)

# The pages of what was measured. Dimensions with few values are added up together first.

FEW = [each for each in DIMENSIONS if not each.is_many]
MANY = [each for each in DIMENSIONS if each.is_many]
OF_FEW = {f"of_{each.name}": each.sql for each in FEW}
SPLIT = {"organization_id": "organization_id", "currency": "paid_in", "zone_day": "zone_day", "at_hour": GRAIN}
FEWER = grouped(SPLIT | OF_FEW, MEASURES | SPREAD, "leaves")
ONE, TWO = "dimension, value", "dimension, value, other, by_value"
OF_ONE = {"dimension": "dimension", "value": "value", "by": "''", "by_value": "''"}
OF_TWO = {"dimension": "dimension", "value": "value", "by": "other", "by_value": "by_value"}
OF_DAY, OF_HOUR = "organization_id, dimension, by, day", "organization_id, dimension, hour"
ONES_OF_FEW = [(quoted(each.name), f"of_{each.name}") for each in FEW]
ONES_OF_MANY = [(quoted(each.name), each.sql) for each in MANY]
TWOS_OF_FEW = [
    (quoted(each.name), f"of_{each.name}", quoted(other), f"of_{other}") for each in FEW for other in each.crossed_with
]
TWOS_OF_MANY = [
    (quoted(each.name), each.sql, quoted(other), BY_NAME[other].sql) for each in MANY for other in each.crossed_with
]
FROM_FEWER = {"organization_id": "organization_id", "currency": "currency"}
FROM_LEAVES = {"organization_id": "organization_id", "currency": "paid_in"}
DAY, ZONE_DAY = {"day": "zone_day"}, "usage_measuredday"
BY_HOUR = [(quoted(each.name), f"of_{each.name}") for each in FEW if each.by_hour]
MANY_BY_HOUR = [(quoted(each.name), each.sql) for each in MANY if each.by_hour]
ROLLUPS = {
    "hours": HOURS,
    "days": DAYS,
    "crossed_days": CROSSED_DAYS,
    "ones_of_few": adding(ZONE_DAY, OF_DAY, FROM_FEWER | OF_ONE | DAY, AGAIN, expanded("fewer", ONE, ONES_OF_FEW)),
    "ones_of_many": adding(
        ZONE_DAY, OF_DAY, FROM_LEAVES | OF_ONE | DAY, MEASURES | SPREAD, expanded("leaves", ONE, ONES_OF_MANY)
    ),
    "twos_of_few": adding(
        ZONE_DAY,
        OF_DAY,
        FROM_FEWER | OF_TWO | DAY,
        {name: AGAIN[name] for name in MEASURES},
        expanded("fewer", TWO, TWOS_OF_FEW),
    ),
    "twos_of_many": adding(
        ZONE_DAY, OF_DAY, FROM_LEAVES | OF_TWO | DAY, MEASURES, expanded("leaves", TWO, TWOS_OF_MANY)
    ),
    "hours_of_few": adding(
        "usage_measuredhour",
        OF_HOUR,
        FROM_FEWER | OF_PART | {"hour": "at_hour"},
        AGAIN,
        expanded("fewer", ONE, BY_HOUR),
    ),
    "hours_of_many": adding(
        "usage_measuredhour",
        OF_HOUR,
        FROM_LEAVES | OF_PART | {"hour": GRAIN},
        MEASURES | SPREAD,
        expanded("leaves", ONE, MANY_BY_HOUR),
    ),
    "runs": adding(
        "usage_run",
        "organization_id",
        {"organization_id": "organization_id", "run": "run"},
        {
            "agent": "coalesce(min(agent), '')",
            "customer": "coalesce(min(customer), '')",
            "feature": "coalesce(min(feature), '')",
            "started_at": "min(occurred_at)",
            "last_at": "max(occurred_at)",
            "calls": "count(*)",
            "errors": MEASURES["errors"],
            "amount": "coalesce(sum(money) FILTER (WHERE paid_in = 'USD'), 0)",
            "unpriced_calls": MEASURES["unpriced_calls"],
            "tokens_in": "sum(tokens_in)",
            "tokens_out": "sum(tokens_out)",
        },
        "leaves WHERE run IS NOT NULL",
        is_shared=True,
    ),
}
ADD_UP = ", ".join(
    [
        LEAVES,
        f"countable AS MATERIALIZED ({COUNTABLE})",
        f"fewer AS MATERIALIZED ({FEWER})",
        *(f"{name} AS ({sql})" for name, sql in ROLLUPS.items()),
    ]
)


NAMES = ", ".join(COLUMNS)
# Writes what is new and adds up only that; answers the ids that were new. $1: what is covered by connections, as
# "provider day"; $2: the grain of hours; $3: the writer's slot; $4: rows.
PREPARE = f"""
PREPARE tt_store (text[], interval, int, json) AS
WITH events AS (
    INSERT INTO usage_event ({NAMES}) SELECT {NAMES} FROM json_to_recordset($4) AS given ({", ".join(TYPED)})
    ON CONFLICT DO NOTHING RETURNING *
), {ADD_UP}
SELECT day, id FROM events"""  # noqa: S608  # names of ours
