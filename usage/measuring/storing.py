"""Stores events once, in one transaction of the organization; they wait there to be added up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.db import connection, transaction
from psycopg import ClientCursor

from tokentra.lib import chaos
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import name_within, one_turn, organization_scope
from usage import partitions
from usage.measuring import appearing, statements, telling_apart
from usage.measuring.catching_up import SUMS, TOGETHER
from usage.measuring.reading import Read
from usage.models import COUNTS
from usage.pricing import Price

# What a writer asks and does, in one turn; it shares a lock with other writers that whoever turns, rebuilds or compares
# the organization's sums takes alone.
STORE = f"{TOGETHER};EXECUTE tt_store (%(organization)s, %(key)s, %(now)s, %(waiting)s, %(events)s, %(rows)s)"
encode = msgspec.json.Encoder(decimal_format="string").encode

Key = tuple[date, UUID]
TEXT_COLUMNS = {
    "operation": "operation",
    "error_code": "error_code",
    "usage_source": "usage_source",
    "request_id": "request_id",
    "service_tier": "service_tier",
    "customer": "customer_id",
    "user_ref": "user_id",
    "feature": "feature",
    "team": "team",
    "agent": "agent",
    "prompt": "prompt",
    "environment": "environment",
    "project": "project",
    "cost_center": "cost_center",
    "run": "run_id",
    "parent": "parent_id",
    "tool": "tool",
    "purpose": "purpose",
}  # to what the event calls them
counts_of, texts_of = attrgetter(*COUNTS), attrgetter(*TEXT_COLUMNS.values())


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
    """In the organization's scope, where one is open. No two of the events have one identity; `tags` are summed.

    What is held already stays as it is and adds nothing. Raises what the database raises; then nothing is stored.
    """
    if not events:
        return NOTHING
    rows = rows_of(events, zone)
    told = Told(organization_id, key_id, now, zone, tags)
    new = in_one_turn(told, rows) if is_plain(told, rows) else with_what_is_new(told, rows)
    held = {key: read.digest for read, _ in events if (key := (read.day, read.id)) not in new}
    return Stored(new, conflicting(organization_id, held) if held else frozenset())


@dataclass(frozen=True, slots=True)
class Told:
    """What all rows of a request have, and by what they are stored."""

    organization_id: UUID
    key_id: UUID | None
    now: datetime
    zone: ZoneInfo
    tags: frozenset[str]


def is_plain(told: Told, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether nothing has to be noted beside the events."""
    return not (
        mondays_of({row["day"] for row in rows}) - _there
        or appearing.unknown(told.organization_id, told.zone.key, those_there(rows))
        or any(summed_tags_of(row, told.tags) for row in rows)
    )


def in_one_turn(told: Told, rows: Sequence[Mapping[str, Any]]) -> frozenset[Key]:
    """Which were new. Outside of a scope it is one exchange with the database, and a transaction of its own."""
    chaos.point("track.before_commit")
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as own:
        statements.prepare(own)
        with one_turn(told.organization_id) as scope:
            return written(own, told, rows, scope=scope)


def with_what_is_new(told: Told, rows: Sequence[Mapping[str, Any]]) -> frozenset[Key]:
    """The same, and who is new on a day, and values of tags that are told apart."""
    with organization_scope(told.organization_id, up_to_date=False), ClientCursor(connection.connection) as own:
        statements.prepare(own)
        ensure_weeks({row["day"] for row in rows})
        unknown = appearing.unknown(told.organization_id, told.zone.key, those_there(rows))
        missing = not_noted(own, told.organization_id, unknown)
        new = written(own, told, rows)
        if tagged := {each for row in rows for each in summed_tags_of(row, told.tags)}:
            telling_apart.tell_apart(own, told.organization_id, tagged)
        if missing:
            appeared = missing & those_there(row for row in rows if (row["day"], row["id"]) in new)
            appearing.add(own, told.organization_id, appeared)
            unknown = unknown - missing | appeared
        if unknown:
            transaction.on_commit(partial(appearing.remember, told.organization_id, told.zone.key, unknown))
        chaos.point("track.before_commit")
    return new


def rows_of(events: Sequence[tuple[Read, Price]], zone: ZoneInfo) -> list[dict[str, Any]]:
    """In an order in which two writers of the same events never wait in a circle."""
    return sorted((row_of(read, price, zone=zone) for read, price in events), key=itemgetter("day", "id"))


def written(
    own: ClientCursor[Any], told: Told, rows: Sequence[Mapping[str, Any]], *, scope: str = ""
) -> frozenset[Key]:
    """Which of the rows were new."""
    params = {
        "sums": name_within(told.organization_id, SUMS),
        "organization": told.organization_id,
        "key": told.key_id,
        "now": told.now,
        "waiting": uuid7(),
        "events": len(rows),
        "rows": encode(rows).decode(),
    }
    own.execute(f"{scope}{STORE}", params)
    found = statements.answers(own)[-1]
    if found[0][0] == len(rows):
        return frozenset((row["day"], row["id"]) for row in rows)
    return frozenset((day, id) for _, day, id in found if id)


def not_noted(
    own: ClientCursor[Any], organization_id: UUID, unknown: Collection[appearing.There]
) -> set[appearing.There]:
    """Of who is there on a day, those for whom that is not noted."""
    if not unknown:
        return set()
    own.execute(TOGETHER, {"sums": name_within(organization_id, SUMS)})  # so that none is taken away meanwhile
    params = [organization_id, *appearing.columns(unknown)]
    return set(statements.by_key(own, "EXECUTE tt_missing (%s, %s, %s::uuid[], %s::date[])", params))


def those_there(rows: Iterable[Mapping[str, Any]]) -> set[appearing.There]:
    kinds = (appearing.RUN, appearing.CUSTOMER)
    named = {(kind, row[kind], row["zone_day"]) for row in rows for kind in kinds if kind in row}
    return {(kind, appearing.value_of(name), day) for kind, name, day in named}


def summed_tags_of(row: Mapping[str, Any], tags: frozenset[str]) -> list[telling_apart.Value]:
    return [(name, row["day"], text) for name, text in row.get("tags", {}).items() if name in tags]


def conflicting(organization_id: UUID, digests: Mapping[Key, int]) -> frozenset[Key]:
    """Of events that are held, those whose content was another."""
    days, ids = zip(*digests, strict=True)
    params = [organization_id, list(days), list(ids)]
    with organization_scope(organization_id, up_to_date=False), ClientCursor(connection.connection) as own:
        statements.prepare(own)
        held = statements.by_key(own, "EXECUTE tt_held (%s, %s::date[], %s::uuid[])", params)
    return frozenset((day, id) for day, id, digest in held if digests[day, id] != digest)


def row_of(read: Read, price: Price, *, zone: ZoneInfo) -> dict[str, Any]:
    """A row of usage_event without what all rows of a request have; what is null or zero is left out."""
    sent = read.sent
    row: dict[str, Any] = {
        "id": read.id,
        "occurred_at": read.at,
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
        row.update((name, count) for name, count in zip(COUNTS, counts_of(sent.tokens), strict=True) if count)
    row.update((column, text) for column, text in zip(TEXT_COLUMNS, texts_of(sent), strict=True) if text)
    if read.is_parent:
        row["is_parent"] = True
    if read.above:
        row["above"] = read.above
    if read.units:
        row["units"] = {name: format(count.normalize(), "f") for name, count in read.units.items()}
    if read.tags:
        row["tags"] = read.tags
    return row


def ensure_weeks(days: Collection[date]) -> None:
    """Once for each week and process: a week that events may still come for is never dropped."""
    if mondays := mondays_of(days) - _there:
        partitions.ensure(mondays, table=partitions.EVENTS)
        transaction.on_commit(lambda: _there.update(mondays))  # before that they may be taken back


def mondays_of(days: Collection[date]) -> set[date]:
    return {day - timedelta(days=day.weekday()) for day in days}


_there: set[date] = set()
