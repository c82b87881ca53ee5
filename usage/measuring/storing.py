"""Stores events once and adds them up, in the transaction of the organization's scope."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID
from weakref import WeakSet
from zoneinfo import ZoneInfo

import msgspec
from django.db import connection, transaction
from psycopg import ClientCursor, Connection

from tokentra.lib.tenancy import name_within
from usage import partitions
from usage.measuring import appearing, statements, telling_apart
from usage.measuring.reading import Read, hashed
from usage.measuring.turning import SUMS
from usage.models import COUNTS
from usage.pricing import Price

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
# What a writer asks before it writes, in one turn. Every row that is looked at is found by its key, whatever the
# planner knows of the tables. Writers hold one lock together, which whoever turns, rebuilds or compares the
# organization's sums takes alone; what is covered is read once that lock is held.
BY_KEY = ("hashjoin", "mergejoin", "material", "seqscan", "bitmapscan")
BEGIN = f"""
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true),
    {", ".join(f"set_config('enable_{name}', 'off', true)" for name in BY_KEY)};
SELECT pg_advisory_xact_lock_shared(hashtextextended(%(sums)s, 0));
EXECUTE tt_slot (%(slot)s);
EXECUTE tt_covered (%(organization)s, %(first)s, %(last)s, %(providers)s);
EXECUTE tt_missing (%(organization)s, %(kinds)s, %(values)s::uuid[], %(appeared)s::date[])"""  # names of ours
# Takes the first slot that no other writer has; without a free one writers wait for each other's rows.
SLOTS = 4
SLOT = f"""
PREPARE tt_slot (text) AS SELECT coalesce((
    SELECT slot FROM generate_series(0, {SLOTS - 1}) AS slot
    WHERE pg_try_advisory_xact_lock(hashtextextended($1 || slot, 0)) LIMIT 1
), pg_backend_pid() % {SLOTS})"""  # noqa: S608  # a number of ours
encode = msgspec.json.Encoder(decimal_format="string").encode

Key = tuple[date, UUID]
TEXT_COLUMNS = (
    ("operation", "operation"),
    ("error_code", "error_code"),
    ("usage_source", "usage_source"),
    ("request_id", "request_id"),
    ("service_tier", "service_tier"),
    ("customer", "customer_id"),
    ("user_ref", "user_id"),
    ("feature", "feature"),
    ("team", "team"),
    ("agent", "agent"),
    ("prompt", "prompt"),
    ("environment", "environment"),
    ("project", "project"),
    ("cost_center", "cost_center"),
    ("run", "run_id"),
    ("parent", "parent_id"),
    ("tool", "tool"),
    ("purpose", "purpose"),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """Which events were new, and of those that were not, which said something else than what is held."""

    new: frozenset[Key]
    conflicts: frozenset[Key]


NOTHING = Stored(frozenset(), frozenset())


def store(
    organization_id: UUID,
    events: Sequence[tuple[Read, Price]],
    *,
    key_id: UUID | None,
    zone: ZoneInfo,
    now: datetime,
    tags: frozenset[str] = frozenset(),
) -> Stored:
    """Inside the organization's scope. No two of the events have one identity. `tags` are those that are summed.

    What is held already stays as it is and adds nothing. Raises what the database raises; then nothing is stored.
    """
    digests = {(read.day, read.id): read.digest for read, _ in events}
    days = {day for day, _ in digests}
    ensure_weeks(days)
    rows = [row_of(organization_id, read, price, key_id=key_id, zone=zone, now=now) for read, price in events]
    rows.sort(key=itemgetter("day", "id"))  # so that two writers of the same events never wait in a circle
    connection.ensure_connection()
    with ClientCursor(connection.connection) as own:
        prepare(own)
        providers = sorted({read.sent.provider for read, _ in events})
        unknown = appearing.unknown(organization_id, zone.key, those_there(rows))
        begun = begin(own, organization_id, days, providers, unknown)
        params = [begun.covered, grain(zone, now), begun.slot, encode(rows).decode()]
        if tags and (tagged := {each for row in rows for each in summed_tags_of(row, tags)}):
            telling_apart.tell_apart(own, organization_id, tagged)
            own.execute("EXECUTE tt_store_tagged (%s, %s, %s, %s, %s)", [*params, sorted(tags)])
        else:
            own.execute("EXECUTE tt_store (%s, %s, %s, %s)", params)
        new = frozenset(own.fetchall())
        if begun.missing:
            appeared = begun.missing & those_there(row for row in rows if (row["day"], row["id"]) in new)
            appearing.add(own, organization_id, appeared)
            unknown = unknown - begun.missing | appeared
        if unknown:
            transaction.on_commit(partial(appearing.remember, organization_id, zone.key, unknown))
        known = digests.keys() - new
        conflicts = conflicting(own, organization_id, {key: digests[key] for key in known}) if known else frozenset()
    return Stored(new, conflicts)


def prepare(own: ClientCursor[Any]) -> None:
    if own.connection not in _prepared:
        own.execute(f"{SLOT};{statements.PREPARE}")
        _prepared.add(own.connection)


@dataclass(frozen=True, slots=True)
class Begun:
    """What a writer knows before it writes: its slot, what connections cover, and who of the unknown is not noted."""

    slot: int
    covered: list[str]
    missing: set[appearing.There]


def begin(
    own: ClientCursor[Any],
    organization_id: UUID,
    days: Collection[date],
    providers: list[str],
    unknown: Collection[appearing.There],
) -> Begun:
    kinds, values, appeared = appearing.columns(unknown)
    own.execute(
        BEGIN,
        {
            "sums": name_within(organization_id, SUMS),
            "slot": name_within(organization_id, "slot "),
            "organization": organization_id,
            "first": min(days),
            "last": max(days),
            "providers": providers,
            "kinds": kinds,
            "values": values,
            "appeared": appeared,
        },
    )
    answers = [own.fetchall()]
    while own.nextset():
        answers.append(own.fetchall())
    *_, [(slot,)], covered, missing = answers
    return Begun(slot, [each for (each,) in covered], set(missing))


def those_there(rows: Iterable[Mapping[str, Any]]) -> set[appearing.There]:
    kinds = (appearing.RUN, appearing.CUSTOMER)
    return {(kind, hashed(row[kind].encode()), row["zone_day"]) for row in rows for kind in kinds if kind in row}


def summed_tags_of(row: Mapping[str, Any], tags: frozenset[str]) -> Iterator[telling_apart.Value]:
    return ((name, row["day"], text) for name, text in row.get("tags", {}).items() if name in tags)


def conflicting(own: ClientCursor[Any], organization_id: UUID, digests: Mapping[Key, int]) -> frozenset[Key]:
    """Of events that are held, those whose content was another."""
    days, ids = zip(*digests, strict=True)
    own.execute("EXECUTE tt_held (%s, %s::date[], %s::uuid[])", [organization_id, list(days), list(ids)])
    return frozenset((day, id) for day, id, digest in own.fetchall() if digests[day, id] != digest)


def row_of(
    organization_id: UUID, read: Read, price: Price, *, key_id: UUID | None, zone: ZoneInfo, now: datetime
) -> dict[str, Any]:
    """A row of usage_event; what is null or zero is left out."""
    sent = read.sent
    row: dict[str, Any] = {
        "organization_id": organization_id,
        "id": read.id,
        "key_id": key_id,
        "occurred_at": read.at,
        "received_at": now,
        "digest": read.digest,
        "day": read.day,
        "zone_day": read.day if zone.key == "UTC" else read.at.astimezone(zone).date(),
        "amount": price.amount,
        "basis": price.basis.value,
        "rate_ref": price.rate_ref,
        "provider": sent.provider,
        "model": sent.model,
        "status": sent.status or "ok",
        "ref": read.ref,
        "is_streamed": sent.streaming,
        "latency_ms": sent.latency_ms,
        "first_token_ms": sent.time_to_first_token_ms,
    }
    if sent.cost is not None and sent.cost.currency != "USD":
        row["currency"] = sent.cost.currency
    if sent.tokens is not None:
        for name in COUNTS:
            if count := getattr(sent.tokens, name):
                row[name] = count
    for column, name in TEXT_COLUMNS:
        if text := getattr(sent, name):
            row[column] = text
    if read.is_parent:
        row["is_parent"] = True
    if read.above:
        row["above"] = read.above
    if read.units:
        row["units"] = {name: format(count.normalize(), "f") for name, count in read.units.items()}
    if read.tags:
        row["tags"] = read.tags
    return row


def grain(zone: ZoneInfo, now: datetime) -> timedelta:
    """Hours, or quarters of one while the zone is not whole hours away from UTC (decisions.md 3)."""
    offset = now.astimezone(zone).utcoffset() or timedelta(0)
    return QUARTER if offset % HOUR else HOUR


def ensure_weeks(days: Collection[date]) -> None:
    """Once for each week and process: a week that events may still come for is never dropped."""
    mondays = {day - timedelta(days=day.weekday()) for day in days} - _there
    if mondays:
        partitions.ensure(mondays, table=partitions.EVENTS)
        transaction.on_commit(lambda: _there.update(mondays))  # before that they may be taken back


_there: set[date] = set()
_prepared: WeakSet[Connection[Any]] = WeakSet()
