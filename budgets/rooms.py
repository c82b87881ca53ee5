"""Rooms: a call's reservations are made in all of them or in none, and what was spent is read anew.

Both hold the locks of the rooms, taken in the order of their ids, for as long as one statement takes: so nobody waits
in a circle, and what is reserved and spent together never passes a limit, whoever else reserves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from weakref import WeakSet

from django.db import InterfaceError, OperationalError, connection
from psycopg import ClientCursor, Connection

from accounts import audit
from accounts.models import Organization
from budgets import spending, unbilled
from budgets.calls import Place
from budgets.models import Ledger, Unit
from budgets.rules.periods import DAY
from budgets.spending import Ask
from budgets.standing import scope_of, used
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import one_turn, organization_scope

LASTS = timedelta(minutes=10)
OLDEST = 5.0  # seconds: what was spent is never older when something is reserved by it

# Whoever loses the database's last moments loses reservations at most, never what was spent (docs/operations.md), and
# callers that wait for one row wait for no disk.
NO_WAIT = "SET LOCAL synchronous_commit = off"
# A room that appears after that was not locked, so its id is not among those that are gone by.
LOCK = """
SELECT set_config('app.rooms', coalesce(string_agg(id::text, ','), ''), true) FROM (
    SELECT id FROM budgets_room WHERE organization_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE
) AS locked"""
# $1 and $2: organization and the event that settles it; $3 to $7: rooms, keys of reservations, what the call may use,
# limits, and whether they refuse.
RESERVE = f"""
WITH wanted AS (
    SELECT * FROM unnest($3, $4, $5, $6, $7) AS w (id, key, amount, most, blocks)
), seen AS (
    SELECT w.*, r.spent, r.reserved, r.over, r.full_since, held.id IS NOT NULL AS is_held,
        coalesce(held.amount, 0) AS held, coalesce(extract(epoch FROM statement_timestamp() - r.read_at), 1e9) AS age
    FROM wanted w
    LEFT JOIN budgets_room r ON r.organization_id = $1 AND r.id = w.id
        AND r.id = ANY(string_to_array(current_setting('app.rooms'), ',')::uuid[])
    LEFT JOIN budgets_reservation held ON held.organization_id = $1 AND held.room_id = w.id AND held.ref = $2
        AND held.room_id = ANY($3)
), judged AS (
    SELECT *, age <= {OLDEST} AS is_fresh, NOT blocks OR (is_held AND amount <= held)
        OR (spent + reserved - held + amount <= most AND spent + reserved - held < most) IS TRUE AS fits
    FROM seen
), admitted AS (
    SELECT * FROM judged WHERE (SELECT bool_and(is_fresh AND fits) FROM judged)
), put AS (
    INSERT INTO budgets_reservation AS held (id, organization_id, room_id, ref, amount, at, expires_at)
    SELECT key, $1, id, $2, amount, statement_timestamp(), statement_timestamp() + interval '{LASTS}'
    FROM admitted
    ON CONFLICT (organization_id, room_id, ref) DO UPDATE
        SET amount = greatest(held.amount, excluded.amount), expires_at = excluded.expires_at
), added AS (
    UPDATE budgets_room r SET reserved = r.reserved + admitted.amount - admitted.held FROM admitted
    WHERE r.organization_id = $1 AND r.id = ANY($3) AND r.id = admitted.id AND admitted.amount > admitted.held
)
SELECT id, spent, reserved, over, full_since, age, is_fresh, fits, held FROM judged"""  # noqa: S608  # ours
# What a connection prepares once: planning them takes longer than running them.
PREPARE = f"""
PREPARE tt_lock_rooms (uuid, uuid[]) AS {LOCK};
PREPARE tt_reserve (uuid, uuid, uuid[], uuid[], numeric[], numeric[], boolean[]) AS {RESERVE}"""
IN_ONE_TURN = f"""{NO_WAIT};
SET LOCAL plan_cache_mode = force_generic_plan;
EXECUTE tt_lock_rooms (%(organization)s, %(ids)s);
EXECUTE tt_reserve (%(organization)s, %(ref)s, %(ids)s, %(keys)s, %(amounts)s, %(limits)s, %(blocks)s)"""

# Which reservations are settled is asked in a transaction before the one that reads what was spent, whose sums hold all
# that was stored by then: an event that is stored in between counts twice until the next reading, and never not at all.
BEGIN = """
INSERT INTO budgets_room (id, organization_id, budget_id, value, first_day, spent, reserved, over, expired, version)
SELECT id, %(organization)s, budget, value, first_day, 0, 0, 0, 0, 0
FROM unnest(%(ids)s::uuid[], %(budgets)s::uuid[], %(values)s::text[], %(days)s::date[])
    AS w (id, budget, value, first_day) ORDER BY id ON CONFLICT DO NOTHING;
SELECT id, version FROM budgets_room
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[])"""
# One row, which the next statement takes as it is: thousands of calls in it are no work for this process.
STORED = """
SET LOCAL max_parallel_workers_per_gather = 0;
WITH held AS MATERIALIZED (
    SELECT h.id, h.ref, (h.at AT TIME ZONE 'UTC')::date AS at, (h.expires_at AT TIME ZONE 'UTC')::date AS ends,
        h.expires_at <= statement_timestamp() AS is_over, h.room_id = ANY(%(in_tokens)s::uuid[]) AS in_tokens
    FROM budgets_reservation h
    WHERE h.organization_id = %(organization)s AND h.room_id = ANY(%(ids)s::uuid[])
), settled AS (
    SELECT held.id, max(CASE WHEN held.in_tokens THEN coalesce(e.input, 0) + coalesce(e.cache_read, 0)
            + coalesce(e.cache_write_5m, 0) + coalesce(e.cache_write_30m, 0) + coalesce(e.cache_write_1h, 0)
            + coalesce(e.cache_write_12h, 0) + coalesce(e.output, 0) + coalesce(e.audio_in, 0)
            + coalesce(e.audio_out, 0) + coalesce(e.image_in, 0) + coalesce(e.image_out, 0)
        WHEN coalesce(e.currency, 'USD') = 'USD' THEN e.amount END) AS actual
    FROM held JOIN usage_event e ON e.organization_id = %(organization)s AND e.id = held.ref
        AND e.day IN (held.at, held.ends, %(today)s) AND e.day = ANY(%(around)s::date[])
    GROUP BY held.id
)
SELECT coalesce(array_agg(id)::text, '{}'), coalesce(array_agg(actual)::text, '{}'),
    EXISTS (SELECT FROM held WHERE is_over)
FROM settled"""
WRITE = f"""{NO_WAIT};
EXECUTE tt_lock_rooms (%(organization)s, %(ids)s::uuid[]);
WITH read AS (
    SELECT r.id, w.spent, w.most, w.read_at
    FROM unnest(%(ids)s::uuid[], %(versions)s::bigint[], %(spent)s::numeric[], %(limits)s::numeric[],
        %(read_at)s::timestamptz[]) AS w (id, version, spent, most, read_at)
    JOIN budgets_room r ON r.organization_id = %(organization)s AND r.id = w.id AND r.version = w.version
), ended AS (
    DELETE FROM budgets_reservation held USING read
    WHERE held.organization_id = %(organization)s AND held.room_id = read.id
        AND (held.id = ANY(%(settled)s::uuid[]) OR %(is_over)s AND held.expires_at <= statement_timestamp())
    RETURNING held.id, held.room_id, held.amount
), sums AS (
    SELECT room_id, sum(ended.amount) AS amount, count(*) FILTER (WHERE s.id IS NULL) AS expired,
        coalesce(sum(greatest(s.actual - ended.amount, 0)), 0) AS over
    FROM ended LEFT JOIN unnest(%(settled)s::uuid[], %(actual)s::numeric[]) AS s (id, actual) ON s.id = ended.id
    GROUP BY room_id
)
UPDATE budgets_room r SET spent = read.spent, read_at = read.read_at, version = r.version + 1,
    reserved = r.reserved - coalesce(sums.amount, 0), over = r.over + coalesce(sums.over, 0),
    expired = r.expired + coalesce(sums.expired, 0),
    full_since = CASE WHEN read.spent >= read.most THEN coalesce(r.full_since, statement_timestamp()) END
FROM read LEFT JOIN sums ON sums.room_id = read.id
WHERE r.organization_id = %(organization)s AND r.id = read.id
RETURNING r.budget_id, r.value, coalesce(sums.expired, 0)"""  # noqa: S608  # ours


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call needs in one room. Only a budget that blocks refuses it."""

    place: Place
    limit: Decimal
    amount: Decimal
    blocks: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A room before the call: `is_fresh` says whether it could be gone by, `fits` whether there was enough left."""

    spent: Decimal
    reserved: Decimal
    over: Decimal
    full_since: datetime | None
    age: Decimal  # seconds
    is_fresh: bool
    fits: bool
    held: Decimal  # of it, by the same id before


NOBODY_KNOWS = Found(
    Decimal(0), Decimal(0), Decimal(0), None, Decimal(10**9), is_fresh=False, fits=False, held=Decimal(0)
)


def reserve(organization_id: UUID, ref: UUID, wanted: Sequence[Wanted]) -> dict[UUID, Found]:
    """Reserved in every room, unless one of them is not fresh or has not enough. Call it in no scope."""
    params = {
        "organization": organization_id,
        "ref": ref,
        "ids": array(each.place.room_id for each in wanted),
        "keys": array(uuid7() for _ in wanted),
        "amounts": array(each.amount for each in wanted),
        "limits": array(each.limit for each in wanted),
        "blocks": array(each.blocks for each in wanted),
    }
    with one_turn(organization_id) as scope:
        rows = again_where_it_was_lost(f"{scope}{IN_ONE_TURN}", params)
    known = {id: Found(*rest) for id, *rest in rows if rest[0] is not None}
    return {each.place.room_id: known.get(each.place.room_id, NOBODY_KNOWS) for each in wanted}


def again_where_it_was_lost(statements: str, params: Mapping[str, Any]) -> list[Any]:
    """Asked once more where the database's session had ended meanwhile; the same id reserves once."""
    try:
        return last_answer(statements, params)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        return last_answer(statements, params)


def array(values: Iterable[UUID | Decimal | bool]) -> str:
    """As Postgres reads it: of values in which nothing has to be escaped."""
    return f"{{{','.join(map(str, values))}}}"


def refresh(organization_id: UUID, wanted: Mapping[Place, Decimal], now: datetime) -> int:
    """Read what was spent, let go what is settled or over; how many expired, which the audit log says too.

    `wanted` are the rooms with their limits. Of two who read at the same time, the second to write writes nothing.
    Call it in no scope: it opens some, one after the other.
    """
    places = list(wanted)
    params: dict[str, Any] = {
        "organization": organization_id,
        "today": now.date(),
        "around": list({now.date(), *((datetime.now(UTC) + DAY * days).date() for days in (-1, 0, 1))}),
        "ids": [each.room_id for each in places],
        "budgets": [each.budget.pk for each in places],
        "values": [each.value for each in places],
        "days": [each.span.first_day for each in places],
        "limits": list(wanted.values()),
        "in_tokens": [each.room_id for each in places if each.budget.unit == Unit.TOKENS],
    }
    with organization_scope(organization_id, up_to_date=False):
        versions = dict(last_answer(BEGIN, params))
        [(settled, actual, is_over)] = last_answer(STORED, params)
    with organization_scope(organization_id):
        [(read_at,)] = last_answer("SELECT statement_timestamp()", {})
        params |= {
            "spent": spent(organization_id, places, now),
            "versions": [versions[each.room_id] for each in places],
            "read_at": [read_at for _ in places],
            "settled": settled,
            "actual": actual,
            "is_over": is_over,
        }
        if is_over and (expired := sum(int(count) for _, _, count in last_answer(WRITE, params))):
            audit.note("reservations_expired", Organization.objects.get(pk=organization_id), None, count=expired)
            return expired
    if not is_over:  # callers wait for no more than the database then
        with one_turn(organization_id) as scope:
            last_answer(f"{scope}{WRITE}", params)
    return 0


def spent(organization_id: UUID, places: Sequence[Place], now: datetime) -> list[Decimal]:
    """Of each, in dollars or tokens: what counts, and what code measured that is not in it yet."""
    asks = [ask(each) for each in places]
    beyond = unbilled.beyond(
        organization_id, {key: each for key, each in enumerate(asks) if each.ledger == Ledger.COUNTED}, now.date()
    )
    return [
        used(place.budget, answer.total) + beyond.get(key, 0)
        for key, (place, answer) in enumerate(zip(places, spending.spent(organization_id, asks), strict=True))
    ]


def ask(place: Place) -> Ask:
    return Ask(place.budget.ledger, narrowed(place), place.span, is_tokens=place.budget.unit == Unit.TOKENS)


def narrowed(place: Place) -> dict[str, list[str]]:
    mine = scope_of(place.budget)
    return mine | {place.budget.each: [place.value]} if place.budget.each else mine


def last_answer(statements: str, params: Mapping[str, Any]) -> list[Any]:
    """Several statements in one turn; the rows of the last."""
    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as own:
        if own.connection not in _prepared:
            own.execute(PREPARE)
            _prepared.add(own.connection)
        own.execute(statements, params)
        while own.nextset():
            pass
        return own.fetchall()


_prepared: WeakSet[Connection[Any]] = WeakSet()
