"""The SQL that stores events and adds them up, made of what sums.py declares."""

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import ClientCursor as Cursor
from psycopg import Connection

from usage.call_kinds import CallKind
from usage.latency import BOUNDS
from usage.measured import OTHER, RARE, SPREAD, TAG
from usage.measuring import around, given
from usage.measuring.appearing import COUNT_RUNS, NOTE
from usage.measuring.given import COMMON
from usage.measuring.rollups import Columns, Part, Rollup
from usage.measuring.sums import (
    COUNTABLE,
    FEWER,
    FEWER_BY_DAY,
    MOST_SUMMED,
    RARE_SUM,
    ROLLUPS,
    STOPPING,
    TOKENS_IN,
    TOKENS_OUT,
    TOTALED,
    TOTALS,
)
from usage.measuring.transactions import AS_BEFORE, BY_KEY, together
from usage.measuring.writing import EVENT_COLUMNS, STORE, STORE_FAMILIES, STORE_NEW, STORE_SPANS
from usage.unpriced import IN_PART

OF_KIND = [str(field.column) for field in CallKind._meta.concrete_fields if field.name not in ("organization", "id")]
FOUND = {"id", "kind_id", "day", "zone_day", "occurred_at", "amount", "is_parent", "above"}
SAID = [name for name in EVENT_COLUMNS if name not in COMMON and name not in FOUND]  # by the sender alone
SAID_OF_KIND = [name for name in OF_KIND if name not in ("key_id", "basis", "rate")]


def of_kind(event: str, kind: str = "kind") -> str:
    """What kind an event is of, found by its key. $1: organization."""
    return f"""CROSS JOIN LATERAL (
        SELECT * FROM usage_callkind k WHERE k.organization_id = $1 AND k.id = {event}.kind_id OFFSET 0
    ) AS {kind}"""  # noqa: S608  # names of ours


def differ(names: list[str], one: str, other: str) -> str:
    """Of two rows."""
    first, second = (", ".join(f"{row}.{name}" for name in names) for row in (one, other))
    return f"({first}) IS DISTINCT FROM ({second})"


# What is added up of an event, or needed for it; those come first that most sums read, since a row is read up to there.
READ = (
    *("day", "zone_day", "occurred_at", "customer", "user_ref", "run", "feature", "latency_ms", "is_streamed"),
    *("cache_read", "units", "agent", "team", "prompt", "tool", "project", "cost_center", "service_tier"),
    *("input", "output", *RARE, "tags"),
)
READ_OF_KIND = ("environment", "key_id", "basis", "provider", "model")
MADE_OF = ("event.amount", "event.currency", "event.is_parent", "kind.status", "kind.rate")
WHOLE = ", ".join((*(f"event.{name}" for name in READ), *(f"kind.{name}" for name in READ_OF_KIND), *MADE_OF))

# One row for each event, with what every sum needs. $1: organization; $2: the grain of hours.
EVERY = f"""
SELECT is_parent IS NOT TRUE AS is_leaf, coalesce(amount, 0) AS money, coalesce(currency, 'USD') AS paid_in,
    {TOKENS_IN} AS tokens_in, {TOKENS_OUT} AS tokens_out,
    amount IS NULL AS is_unpriced, amount IS NOT NULL AND right(rate, {len(IN_PART)}) = '{IN_PART}' AS is_partly,
    status <> 'ok' AS is_error, CASE WHEN coalesce({", ".join(RARE)}) IS NOT NULL THEN {RARE_SUM} END AS rare_tokens,
    (ARRAY[{", ".join(SPREAD.weights)}]::numeric[])[
        width_bucket(latency_ms - 1, ARRAY[{", ".join(map(str, BOUNDS))}]::bigint[]) + 1
    ] AS spread, {", ".join((*READ, *READ_OF_KIND))},
    NOT EXISTS (
        SELECT FROM usage_ledgerday l
        WHERE l.organization_id = $1 AND l.day = events.day AND l.provider = events.provider
    ) AS counts
FROM events"""  # noqa: S608  # names of ours
LEAVES = "SELECT * FROM every_event WHERE is_leaf"  # those that count

# One row for each summed tag of such an event. $3: the names of those tags.
TAGGED = f"""
SELECT leaves.*, '{TAG}' || tag.key AS dimension, coalesce(apart.value, '{OTHER}') AS value
FROM leaves CROSS JOIN LATERAL jsonb_each_text(leaves.tags) AS tag (key, text)
LEFT JOIN usage_tagvalue apart ON apart.organization_id = $1 AND apart.name = tag.key
    AND apart.day = leaves.day AND apart.value = tag.text
WHERE tag.key = ANY($3)"""  # noqa: S608  # names of ours

STOPPED = f"least({{held}}, {MOST_SUMMED} - {{more}}) + {{more}}"  # no sum on the way has no room
FILLED = "{name} = CASE WHEN held.{name} = '' THEN excluded.{name} ELSE held.{name} END"
WIDENED = {"first_at", "last_at", "started_at", "ended_at", "days"}  # an event that was taken back has widened them
KEPT = {"counted", "tokens_counted", "seconds"}
LESS_UNITS = (
    "(SELECT coalesce(jsonb_object_agg(name, (-count::numeric)::text), '{{}}') "
    "FROM jsonb_each_text({name}) AS each_unit (name, count))"
)
CHANGES = {
    "first_at": "{name} = least(held.{name}, excluded.{name})",
    "last_at": "{name} = greatest(held.{name}, excluded.{name})",
    "ended_at": "{name} = greatest(held.{name}, excluded.{name})",
    "started_at": "{name} = least(held.{name}, excluded.{name})",
    "days": "{name} = CASE WHEN held.{name} @> excluded.{name} THEN held.{name} ELSE "
    "(SELECT array_agg(DISTINCT day ORDER BY day) FROM unnest(held.{name} || excluded.{name}) AS each (day)) END",
    "requests_known": "{name} = held.{name} AND excluded.{name}",
    "units": "{name} = CASE WHEN excluded.{name} = '{{}}' THEN held.{name} "
    "ELSE usage_add_units(held.{name}, excluded.{name}) END",
    "agent": FILLED,
    "customer": FILLED,
    "feature": FILLED,
}


def change(rollup: Rollup, name: str) -> str:
    """What becomes of a sum to which more is added."""
    if name in CHANGES:
        return CHANGES[name].format(name=name)
    is_sparse = name in rollup.sparse
    held, more = (f"coalesce({row}.{name}, 0)" if is_sparse else f"{row}.{name}" for row in ("held", "excluded"))
    total = (STOPPED if name in STOPPING else "{held} + {more}").format(held=held, more=more)
    return f"{name} = nullif({total}, 0)" if is_sparse else f"{name} = {total}"


def grouped(part: Part, sums: tuple[str, ...] = (), *, is_long: bool = False, key: Columns | None = None) -> str:
    """What a source adds up to; `sums` are the columns that are wanted, all of them when none is named.

    It is long where the source holds more than is added up at once, and takes longer then. With a key, groups that have
    the same one are a single group.
    """
    wanted = {name: part.sums[name] for name in sums or part.sums}
    if is_long:
        wanted |= {name: stopped(sql) for name, sql in wanted.items() if name in STOPPING}
    groups, by = part.groups, [str(place) for place, name in enumerate(part.groups, 1) if name not in part.constant]
    if key:
        by = [sql for name, sql in key.items() if name not in part.constant]
        groups = {name: sql if name in part.constant | key.keys() else f"min({sql})" for name, sql in groups.items()}
    columns = ", ".join(f"{sql} AS {name}" for name, sql in (groups | wanted).items())
    return f"SELECT {columns} FROM {part.source} GROUP BY {', '.join(by)}"  # noqa: S608  # names of ours


def stopped(sql: str) -> str:
    """A sum for which the database makes as much room as it takes."""
    total = sql.replace("usage_total", "sum")
    return f"CASE WHEN {total} > {MOST_SUMMED} THEN {MOST_SUMMED} ELSE {total} END"


def added(rollup: Rollup, sums: tuple[str, ...] = (), *, is_long: bool = False, is_quick: bool = False) -> str:
    """What is added to a rollup: one row for each key, unless it `is_quick` and two names have the same hash."""
    return " UNION ALL ".join(
        grouped(part, sums or rollup.sums, is_long=is_long, key=None if is_quick else rollup.key_of(part))
        for part in rollup.parts
    )


def adding(rollup: Rollup, rows: str, *, sign: str = "", where: str = "true") -> str:
    """Adds rows of `added` to a rollup, to which nobody else adds meanwhile (catching_up.py), so that no order is
    needed.

    With the sign "-" it takes away what can be taken away.
    """
    less = dict.fromkeys((*CHANGES, *KEPT), "{name}") | {"units": LESS_UNITS}
    sums = [less.get(name, "-{name}").format(name=name) for name in rollup.sums] if sign else rollup.sums
    changed = ", ".join(change(rollup, name) for name in rollup.sums if name not in KEPT)
    hashes = rollup.hashes
    return (
        f"INSERT INTO {rollup.table} AS held ({', '.join((*rollup.groups, *hashes, *rollup.sums))}) "  # noqa: S608
        f"SELECT {', '.join((*rollup.groups, *hashes.values(), *sums))} "
        f"FROM ({rows}) AS added WHERE {where} "
        f"ON CONFLICT ({rollup.key}) DO UPDATE SET {changed} {rollup.telling}"
    )


def summed(rollups: Iterable[Rollup], *, is_long: bool = False) -> str:
    """What these rollups are added up from; each row of an event is made once."""
    parts = {"totaled": TOTALED, "countable": COUNTABLE, "fewer": FEWER, "fewer_by_day": FEWER_BY_DAY}
    sources = {name: grouped(part, is_long=is_long) for name, part in parts.items()} | {"tagged": TAGGED}
    read = {part.source.split()[0] for rollup in rollups for part in rollup.parts}
    if "fewer_by_day" in read:
        read.add("fewer")
    kept = "NOT MATERIALIZED" if read == {"totaled"} else "MATERIALIZED"  # one reader keeps no rows
    return ", ".join(
        [f"every_event AS {kept} ({EVERY}), leaves AS NOT MATERIALIZED ({LEAVES})"]
        + [f"{name} AS MATERIALIZED ({sql})" for name, sql in sources.items() if name in read]
    )


def adding_up(
    rollups: Mapping[str, Rollup], *, sign: str = "", is_long: bool = False, is_quick: bool = False, unless: str = ""
) -> str:
    """Adds to these rollups; to those that are TOTALS, `unless` something holds.

    One that `is_quick` makes hashes of groups alone, not of each event, and fails where two names have the same.
    """
    not_twice = dict.fromkeys(TOTALS, f"NOT {unless}") if unless else {}
    rows = {name: added(rollup, is_long=is_long, is_quick=is_quick) for name, rollup in rollups.items()}
    steps = (
        f"{name} AS ({adding(rollup, rows[name], sign=sign, where=not_twice.get(name, 'true'))})"
        for name, rollup in rollups.items()
    )
    return ", ".join(
        [summed(rollups.values(), is_long=is_long), *steps, *(COUNT_RUNS for of in rollups.values() if of.returning)]
    )


# What a connection prepares once; a statement as large as tt_add_up takes longer to plan than to run.

# Of rows (from $3 on, of the kinds $2), those that are held otherwise than they say. $1: organization.
HELD = f"""
SELECT e.day, e.id FROM {given.events(3, "$2")}
JOIN usage_event e ON e.organization_id = $1 AND e.day = given.day AND e.id = given.id
{of_kind("e", "was")} {of_kind("given", "said")}
WHERE {differ(SAID, "e", "given")} OR {differ(SAID_OF_KIND, "was", "said")} OR e.occurred_at <> given.occurred_at
    OR 'reported' IN (was.basis, said.basis) AND (was.basis, e.amount) IS DISTINCT FROM (said.basis, given.amount)
"""  # noqa: S608  # names of ours

# Adds those of these kinds ($2) that are not there; of two who add the same one, the second waits. $1: organization.
ADD_KINDS = f"""
INSERT INTO usage_callkind (organization_id, id, {", ".join(OF_KIND)})
SELECT $1, id, {", ".join(OF_KIND)} FROM {given.kinds("$2")}
ORDER BY id ON CONFLICT DO NOTHING"""  # noqa: S608  # names of ours


# Of what waits, the oldest first and no more than $6 events beside the first request's; $4: the zone, $5: whether the
# totals hold it already. Answers whether others of that kind were left, and of those that were next, which are left
# since their days are not of this zone. One at a time runs it for what is in totals, and one for what is not. $1:
# organization; $2: the grain of hours.
WAITING = f"""
WITH waiting AS (
    SELECT id, zone, sum(events) OVER (ORDER BY id) - events < $6 AS is_next
    FROM usage_waiting WHERE organization_id = $1 AND in_totals = $5
), taken AS (
    {{take}}
    WHERE organization_id = $1 AND id <= (SELECT id FROM waiting WHERE is_next ORDER BY id DESC LIMIT 1) AND zone = $4
        AND in_totals = $5
    RETURNING days, ids
), events AS (
    SELECT {WHOLE} FROM (
        SELECT one.day, array_agg(one.id) AS ids
        FROM taken CROSS JOIN LATERAL unnest(days, ids) AS one (day, id) GROUP BY one.day
    ) AS told CROSS JOIN LATERAL (
        SELECT * FROM usage_event e WHERE e.organization_id = $1 AND e.day = told.day AND e.id = ANY(told.ids) OFFSET 0
    ) AS event {of_kind("event")}
), {{sums}}
SELECT bool_or(NOT is_next), array_agg(id) FILTER (WHERE is_next AND zone <> $4) FROM waiting"""  # noqa: S608  # names of ours


def adding_steps(*, is_quick: bool) -> dict[str, str]:
    """To all sums, with summed tags ($3) and without; or to the totals alone."""
    untagged = {name: rollup for name, rollup in ROLLUPS.items() if name != "tag_days"}
    of_all = {"tt_add_up_tagged": ROLLUPS, "tt_add_up": untagged}
    taken = "DELETE FROM usage_waiting"
    sums = {name: f"{adding_up(of, unless='$5', is_quick=is_quick)}, {NOTE}" for name, of in of_all.items()}
    return {name: WAITING.format(take=taken, sums=sql) for name, sql in sums.items()} | {
        "tt_total": WAITING.format(
            take="UPDATE usage_waiting SET in_totals = true", sums=adding_up(TOTALS, is_quick=is_quick)
        )
    }


# Of values of tags on days ($2 to $4: names, days, values), those that are not told apart. $1: organization.
NEW_VALUES = """
SELECT * FROM unnest($2, $3, $4) AS given (name, day, value)
WHERE NOT EXISTS (
    SELECT FROM usage_tagvalue v
    WHERE v.organization_id = $1 AND v.name = given.name AND v.day = given.day AND v.value = given.value
)"""

WRITTEN, ARRAYS = "uuid, timestamptz, uuid, int, text, uuid[], text", given.ARRAYS
PREPARED = {
    "tt_together": f"(text) AS SELECT FROM {together('$1')}",
    "tt_held": f"(uuid, uuid[], {ARRAYS}) AS {HELD}",
    "tt_add_kinds": f"(uuid, json) AS {ADD_KINDS}",
    "tt_store": f"({WRITTEN}, {ARRAYS}) AS {STORE}",
    "tt_store_new": f"({WRITTEN}, json, {ARRAYS}) AS {STORE_NEW}",
    "tt_store_spans": f"({WRITTEN}, json, date, date, uuid[], {ARRAYS}) AS {STORE_SPANS}",
    "tt_store_families": f"({WRITTEN}, json, date, date, uuid[], uuid[], {ARRAYS}) AS {STORE_FAMILIES}",
    "tt_open_each": f"(text, text, bigint[]) AS {around.OPEN_EACH}",
    "tt_open_all": f"(text, text) AS {around.OPEN_ALL}",
    "tt_new_values": f"(uuid, text[], date[], text[]) AS {NEW_VALUES}",
    "tt_below": f"(uuid, uuid[], date, date) AS {around.waiting('$2', '$3', '$4')}",
    "tt_counted": f"(uuid, uuid[], date, date) AS {around.upwards('$2', '$3', '$4')}",
    "tt_move": f"(uuid, date[], uuid[], uuid[]) AS {around.MOVE}",
}
# Those that add up, and the same for where two names have the same hash.
ALIKE = "_alike"
ADDING_UP = adding_steps(is_quick=True) | {f"{name}{ALIKE}": sql for name, sql in adding_steps(is_quick=False).items()}
STORING = [*PREPARED]
PREPARED |= {name: f"(uuid, interval, text[], text, boolean, int) AS {sql}" for name, sql in ADDING_UP.items()}


def prepare(own: Cursor[Any], *names: str) -> None:
    """Each once for a connection; those for storing where none is named, since adding up takes megabytes of each."""
    done = _prepared.setdefault(own.connection, set())
    if new := [name for name in names or STORING if name not in done]:
        for name in new:  # each has a text of its own, which is what a log shows of it
            own.execute(f"PREPARE {name} {PREPARED[name]}")
        done.update(new)


def answers(own: Cursor[Any]) -> list[list[Any]]:
    """Of several statements that were sent at once, those that answered something."""
    found = []
    while True:
        if own.description:
            found.append(own.fetchall())
        if not own.nextset():
            return found


def by_key(own: Cursor[Any], sql: str, params: Any) -> list[Any]:
    """What the last of some statements answers, with plans of this kind and what led to them left as it was."""
    own.execute(f"{BY_KEY};{sql};{AS_BEFORE}", params)
    found = answers(own)
    return found[-1] if found else []


_prepared: WeakKeyDictionary[Connection[Any], set[str]] = WeakKeyDictionary()
