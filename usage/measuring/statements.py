"""The SQL that stores events and adds them up, made of what sums.py declares."""

from usage.latency import BOUNDS
from usage.measured import OTHER, RARE, RARE_TOKENS, SPREAD, TAG, Event
from usage.measuring.sums import COUNTABLE, FEWER, ROLLUPS, Part, Rollup
from usage.rows import TOKEN_CLASSES

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
NAMES = ", ".join(str(field.column) for field in Event._meta.concrete_fields)
TYPED = ", ".join(f"{field.column} {TYPES[field.get_internal_type()]}" for field in Event._meta.concrete_fields)
GOING_IN = [name for name in TOKEN_CLASSES if name not in ("output", "audio_out", "image_out")]

RARE_SUM = " + ".join(f"coalesce({name}, 0) * {weight}" for name, weight in zip(RARE, RARE_TOKENS.weights, strict=True))

# One row for each event that counts, with what every sum needs.
LEAVES = f"""
SELECT *, coalesce(amount, 0) AS money, coalesce(currency, 'USD') AS paid_in,
    {" + ".join(f"coalesce({name}, 0)" for name in GOING_IN)} AS tokens_in,
    coalesce(output, 0) + coalesce(audio_out, 0) + coalesce(image_out, 0) AS tokens_out,
    amount IS NULL AS is_unpriced, status <> 'ok' AS is_error,
    CASE WHEN coalesce({", ".join(RARE)}) IS NOT NULL THEN {RARE_SUM} END AS rare_tokens,
    (ARRAY[{", ".join(SPREAD.weights)}]::numeric[])[
        width_bucket(latency_ms - 1, ARRAY[{", ".join(map(str, BOUNDS))}]::bigint[]) + 1
    ] AS spread,
    NOT (provider || ' ' || day::text) = ANY($1) AS counts
FROM events WHERE is_parent IS NOT TRUE"""  # noqa: S608  # names of ours

# One row for each summed tag of such an event. $5: the names of those tags.
TAGGED = f"""
SELECT leaves.*, '{TAG}' || tag.key AS dimension, coalesce(apart.value, '{OTHER}') AS value
FROM leaves CROSS JOIN LATERAL jsonb_each_text(leaves.tags) AS tag (key, text)
LEFT JOIN usage_tagvalue apart ON apart.organization_id = leaves.organization_id AND apart.name = tag.key
    AND apart.day = leaves.day AND apart.value = tag.text
WHERE tag.key = ANY($5)"""  # noqa: S608  # names of ours

ADDED = "{name} = held.{name} + excluded.{name}"
FILLED = "{name} = CASE WHEN held.{name} = '' THEN excluded.{name} ELSE held.{name} END"
WIDENED = {"first_at", "last_at"}  # an event that was taken back has widened them
KEPT = {"counted", "tokens_counted", "seconds"}
LESS_UNITS = (
    "(SELECT coalesce(jsonb_object_agg(name, (-count::numeric)::text), '{{}}') "
    "FROM jsonb_each_text({name}) AS each_unit (name, count))"
)
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


def grouped(part: Part, sums: tuple[str, ...] = ()) -> str:
    """What a source adds up to; `sums` are the columns that are wanted, all of them when none is named."""
    wanted = {name: part.sums[name] for name in sums or part.sums}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in (part.groups | wanted).items())
    by = ", ".join(str(place) for place, _ in enumerate(part.groups, 1))
    return f"SELECT {columns} FROM {part.source} GROUP BY {by}"  # noqa: S608  # names of ours


def added(rollup: Rollup, sums: tuple[str, ...] = ()) -> str:
    return " UNION ALL ".join(grouped(part, sums or rollup.sums) for part in rollup.parts)


def adding(rollup: Rollup, *, sign: str = "") -> str:
    """Adds to a rollup whose `id` is the hash of its groups, in an order in which no two writers wait in a circle.

    With the sign "-" it takes away what can be taken away.
    """
    less = dict.fromkeys((*CHANGES, *KEPT), "{name}") | {"units": LESS_UNITS}
    sums = [less.get(name, "-{name}").format(name=name) for name in rollup.sums] if sign else rollup.sums
    hashed = ", ".join(rollup.groups if rollup.is_shared else ("$3", *rollup.groups))
    changes = ", ".join(CHANGES.get(name, ADDED).format(name=name) for name in rollup.sums if name not in KEPT)
    return (
        f"INSERT INTO {rollup.table} AS held ({', '.join((*rollup.groups, 'id', *rollup.sums))}) "  # noqa: S608
        f"SELECT {', '.join(rollup.groups)}, md5(concat_ws(chr(31), {hashed}))::uuid AS id, {', '.join(sums)} "
        f"FROM ({added(rollup)}) AS added ORDER BY {rollup.key}, id "
        f"ON CONFLICT ({rollup.key}, id) DO UPDATE SET {changes}"
    )


SUMMED = (
    f"leaves AS MATERIALIZED ({LEAVES}), countable AS MATERIALIZED ({grouped(COUNTABLE)}), "
    f"fewer AS MATERIALIZED ({grouped(FEWER)})"
)


def summed(*names: str) -> str:
    """What these rollups are added up from."""
    return f"{SUMMED}, tagged AS MATERIALIZED ({TAGGED})" if "tag_days" in names else SUMMED


def adding_up(*names: str, sign: str = "") -> str:
    return ", ".join([summed(*names), *(f"{name} AS ({adding(ROLLUPS[name], sign=sign)})" for name in names)])


# What a connection prepares once; a statement as large as tt_store takes longer to plan than to run.

# The days that connections cover, as "provider day". $1: organization; $2 and $3: first and last day; $4: providers.
COVERED = """
SELECT DISTINCT provider || ' ' || day::text FROM usage_ledgerday
WHERE organization_id = $1 AND day BETWEEN $2 AND $3 AND provider = ANY($4)"""

# Of runs and customers on days ($2 to $4: kinds, values, days), those that are not noted. $1: organization.
MISSING = """
SELECT kind, value, day FROM unnest($2, $3, $4) AS there (kind, value, day)
WHERE NOT EXISTS (
    SELECT FROM usage_appearance a
    WHERE a.organization_id = $1 AND a.kind = there.kind AND a.value = there.value AND a.day = there.day
)"""

# Of events ($2 and $3: days, ids), those that are held, with the digest of what was sent. $1: organization.
HELD = """
SELECT e.day, e.id, e.digest FROM unnest($2, $3) AS asked (day, id)
JOIN usage_event e ON e.organization_id = $1 AND e.day = asked.day AND e.id = asked.id"""

# Writes what is new and adds up only that; answers the ids that were new. $1: what is covered by connections, as
# "provider day"; $2: the grain of hours; $3: the writer's slot; $4: rows.
STORING = f"""
WITH events AS (
    INSERT INTO usage_event ({NAMES}) SELECT {NAMES} FROM json_to_recordset($4) AS given ({TYPED})
    ON CONFLICT DO NOTHING RETURNING *
), {{sums}}
SELECT day, id FROM events"""  # noqa: S608  # names of ours
STORE = STORING.format(sums=adding_up(*(name for name in ROLLUPS if name != "tag_days")))
STORE_TAGGED = STORING.format(sums=adding_up(*ROLLUPS))

# Of values of tags on days ($2 to $4: names, days, values), those that are not told apart. $1: organization.
NEW_VALUES = """
SELECT * FROM unnest($2, $3, $4) AS given (name, day, value)
WHERE NOT EXISTS (
    SELECT FROM usage_tagvalue v
    WHERE v.organization_id = $1 AND v.name = given.name AND v.day = given.day AND v.value = given.value
)"""
PREPARED = {
    "tt_covered (uuid, date, date, text[])": COVERED,
    "tt_missing (uuid, text[], uuid[], date[])": MISSING,
    "tt_held (uuid, date[], uuid[])": HELD,
    "tt_store (text[], interval, int, json)": STORE,
    "tt_store_tagged (text[], interval, int, json, text[])": STORE_TAGGED,
    "tt_new_values (uuid, text[], date[], text[])": NEW_VALUES,
}
PREPARE = ";".join(f"PREPARE {name} AS {sql}" for name, sql in PREPARED.items())

# The same sums made anew, and compared, for one day of events.


def named(sql: str, *words: str) -> str:
    """With what stands for $1, $2 and so on in their places."""
    for place, word in enumerate(words, 1):
        sql = sql.replace(f"${place}", word)
    return sql


def in_words(sql: str) -> str:
    return named(sql, "%(covered)s::text[]", "%(grain)s::interval", "0", "NULL", "%(tags)s::text[]")


COVERED_BETWEEN = named(COVERED, "%(organization)s", "%(first)s", "%(last)s", "%(providers)s")


def forgetting(rollup: Rollup) -> str:
    return f"DELETE FROM {rollup.table} WHERE organization_id = %(organization)s AND {rollup.of_day}"  # noqa: S608


def chosen(events: str) -> str:
    return f"SELECT * FROM usage_event WHERE organization_id = %(organization)s AND {events}"  # noqa: S608


def making_anew(events: str, *names: str) -> str:
    """Adds up the events that a condition chooses."""
    return in_words(f"WITH events AS ({chosen(events)}), {adding_up(*names)} SELECT 1")


def taking_back(events: str, *names: str) -> str:
    """Takes the events that a condition chooses out of what was added up; whoever runs it is alone."""
    return in_words(f"WITH events AS ({chosen(events)}), {adding_up(*names, sign='-')} SELECT 1")


def emptying(events: str, name: str) -> str:
    """Deletes the groups of a rollup in which, of the events that a condition chooses, no call is left."""
    rollup = ROLLUPS[name]
    same = " AND ".join(f"{{}}.{group} = touched.{group}" for group in rollup.groups)
    if rollup.is_shared:
        hashed = ", ".join(f"touched.{group}" for group in rollup.groups)
        same += f" AND {{}}.id = md5(concat_ws(chr(31), {hashed}))::uuid"
    calls = next(name for name in ("calls", "requests") if name in rollup.sums)
    return in_words(
        f"WITH events AS ({chosen(events)}), {summed(name)}, touched AS ({added(rollup)}) "  # noqa: S608  # names of ours
        f"DELETE FROM {rollup.table} AS held USING touched WHERE {same.replace('{}', 'held')} "
        f"AND (SELECT sum({calls}) FROM {rollup.table} AS every WHERE {same.replace('{}', 'every')}) = 0"
    )


def differing(events: str, name: str) -> str:
    """How many groups of a rollup are not what the events that a condition chooses add up to."""
    rollup = ROLLUPS[name]
    sums = tuple(column for column in rollup.sums if column not in WIDENED)
    again = ", ".join(f"{rollup.again[column]} AS {column}" for column in sums)
    groups = ", ".join(rollup.groups)
    held = (
        f"SELECT {groups}, {again} FROM {rollup.table} "  # noqa: S608  # names of ours
        f"WHERE organization_id = %(organization)s AND {rollup.of_day} GROUP BY {groups}"
    )
    return in_words(
        f"WITH events AS ({chosen(events)}), {summed(name)}, held AS ({held}), made AS ({added(rollup, sums)}) "  # noqa: S608
        "SELECT (SELECT count(*) FROM (SELECT * FROM made EXCEPT ALL SELECT * FROM held) AS missing) "
        "+ (SELECT count(*) FROM (SELECT * FROM held EXCEPT ALL SELECT * FROM made) AS wrong)"
    )
