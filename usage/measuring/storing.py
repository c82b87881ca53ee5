"""Stores events once, in one transaction of the organization; they wait there to be added up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID
from weakref import WeakSet
from zoneinfo import ZoneInfo

import msgspec
from django.db import IntegrityError, connection, transaction
from psycopg import ClientCursor, Connection

from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope
from usage import partitions
from usage.measuring import at_once, kinds, statements, telling_apart
from usage.measuring.given import SHORT
from usage.measuring.kinds import Kind
from usage.measuring.reading import Read
from usage.measuring.transactions import sums_of
from usage.models import COUNTS
from usage.pricing import Price

encode = msgspec.json.Encoder(decimal_format="string").encode

Key = tuple[date, str]  # the UTC day and the id
TEXT_COLUMNS = {
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
    "project": "project",
    "cost_center": "cost_center",
    "run": "run_id",
    "parent": "parent_id",
    "tool": "tool",
    "purpose": "purpose",
}  # to what the event calls them
COLUMNS: dict[str, tuple[Any, Any]] = {
    "id": (str, ""),
    "kind_id": (int, 0),
    "day": (date, None),
    "occurred_at": (datetime | None, None),
    "zone_day": (date | None, None),
    "amount": (Decimal | None, None),
    "ref": (str | None, None),
    "currency": (str | None, None),
    "is_streamed": (bool | None, None),
    "latency_ms": (int | None, None),
    "first_token_ms": (int | None, None),
    "is_parent": (bool | None, None),
    "above": (str | None, None),
    "units": (dict[str, str] | None, None),
    "tags": (dict[str, str] | None, None),
    **dict.fromkeys(COUNTS, (int, 0)),
    **dict.fromkeys(TEXT_COLUMNS, (str | None, None)),
}
# A row of usage_event without what all rows of a request have, its kind by the place in a list; what is null or zero is
# left out of its JSON.
Row: Any = msgspec.defstruct(
    "Row",
    [(name, *column) for name, column in COLUMNS.items()],
    omit_defaults=True,
    rename=SHORT,
    module=__name__,
)
counts_of, texts_of, key_of = attrgetter(*COUNTS), attrgetter(*TEXT_COLUMNS.values()), attrgetter("day", "id")
NO_COUNTS = (0,) * len(COUNTS)


@dataclass(frozen=True, slots=True)
class Stored:
    """Which events were held already, and which of those said something else than what is held."""

    held: frozenset[Key]
    conflicts: frozenset[Key]


NOTHING = Stored(frozenset(), frozenset())
Events = Sequence[tuple[Read, Price]]


@dataclass(slots=True)
class Told:
    """The events of a request, no two of one identity, and what all of their rows have; `tags` are summed."""

    organization_id: UUID
    events: Events
    key_id: UUID | None
    now: datetime
    zone: ZoneInfo
    tags: frozenset[str] = frozenset()
    kinds_of: Sequence[Kind] = field(init=False)  # of each
    kinds: Mapping[str, Kind] = field(init=False)  # by their ids

    def __post_init__(self) -> None:
        key = str(self.key_id) if self.key_id else None
        self.kinds_of = [kind_of(key, read, price) for read, price in self.events]
        self.kinds = {kind.id: kind for kind in self.kinds_of}

    def rows(self) -> list[Row]:
        """As they stand now, in an order in which two writers of the same events never wait in a circle."""
        own = None if self.zone.key == "UTC" else self.zone
        places = {id: place for place, id in enumerate(self.kinds, 1)}  # by which the rows name their kinds
        each = zip(self.events, self.kinds_of, strict=True)
        return sorted((row_of(read, price, places[kind.id], zone=own) for (read, price), kind in each), key=key_of)

    @property
    def array(self) -> str:
        """Of the kinds in their places."""
        return f"{{{','.join(self.kinds)}}}"

    @property
    def lock(self) -> str:
        """Which writers share."""
        return sums_of(self.organization_id)


def store(told: Told) -> Stored:
    """In the organization's scope, with weeks, kinds and values of tags that were not there.

    What is held already stays as it is and adds nothing. Raises what the database raises; then nothing is stored.
    """
    if not told.events:
        return NOTHING
    rows = told.rows()
    try:
        held = with_what_is_new(told, rows)
    except IntegrityError:
        forget_weeks()
        raise
    if not held:
        return NOTHING
    untimed = {(read.day, read.id) for read, _ in told.events if not read.is_timed}
    repeated = [row for row in rows if key_of(row) in held]
    for row in repeated:
        if key_of(row) in untimed:
            row.occurred_at = None  # it came later than the first: that is no difference
    return Stored(held, conflicting(told, repeated))


def is_plain(session: Connection[Any], told: Told, rows: Sequence[Row]) -> bool:
    """Whether nothing has to be there before the events, or noted of their tags."""
    return not (
        kinds.unknown(session, told.organization_id, told.kinds.keys())
        or mondays_of({row.day for row in rows}) - _there
        or (told.tags and any(summed_tags_of(row, told.tags) for row in rows))
    )


def with_what_is_new(told: Told, rows: Sequence[Row]) -> frozenset[Key]:
    """Which were held."""
    ensure_weeks({row.day for row in rows})
    with connection.wrap_database_errors:
        session = prepared(connection.connection)
        ensure_kinds(session, told)
        held = written(session, told, rows)
    if tagged := {each for row in rows for each in summed_tags_of(row, told.tags)}:
        with ClientCursor(session) as own:
            telling_apart.tell_apart(own, told.organization_id, tagged)
    return held


def kind_of(key: str | None, read: Read, price: Price) -> Kind:
    sent = read.sent
    operation, environment = sent.operation or None, sent.environment or None
    return kinds.kind_of(
        key, sent.provider, sent.model, operation, sent.status or "ok", environment, price.basis, price.rate_ref
    )


def written(session: Connection[Any], told: Told, rows: Sequence[Row]) -> frozenset[Key]:
    """Which of the rows were held already."""
    found = at_once.prepared(session, "tt_store", params_of(told, rows))
    if found.get_value(0, 0) == b"%d" % len(rows):
        return frozenset()
    stored = {(day, str(id)) for _, day, id in at_once.rows(session, found) if id}
    return frozenset(map(key_of, rows)) - stored


def params_of(told: Told, rows: Sequence[Row]) -> list[str | bytes]:
    """With which they are written.

    That shares a lock with other writers which whoever turns, rebuilds or compares the organization's sums takes alone.
    """
    return [
        *(str(told.organization_id), told.now.isoformat(), str(uuid7()), str(len(rows)), told.zone.key),
        *(encode(rows), told.array, told.lock),
    ]


def ensure_kinds(session: Connection[Any], told: Told) -> None:
    """Once for each kind and session: one that an event names is never deleted while its organization is there."""
    if new := kinds.unknown(session, told.organization_id, told.kinds.keys()):
        # under the lock, for which somebody may wait who waits for a kind
        at_once.prepared(session, "tt_together", [told.lock])
        at_once.prepared(session, "tt_add_kinds", [str(told.organization_id), encode([told.kinds[id] for id in new])])
        # before they are committed they may be taken back
        transaction.on_commit(lambda: kinds.remember(session, told.organization_id, new))


def prepared(session: Connection[Any]) -> Connection[Any]:
    if session not in _prepared:
        with ClientCursor(session) as own:
            statements.prepare(own)
        _prepared.add(session)
    return session


def summed_tags_of(row: Row, tags: frozenset[str]) -> list[telling_apart.Value]:
    return [(name, row.day, text) for name, text in (row.tags or {}).items() if name in tags]


def conflicting(told: Told, rows: Sequence[Row]) -> frozenset[Key]:
    """Of events that are held, those whose content was another."""
    params = [told.organization_id, encode(rows).decode(), told.array]
    with organization_scope(told.organization_id, up_to_date=False), ClientCursor(connection.connection) as own:
        statements.prepare(own)
        differing = statements.by_key(own, "EXECUTE tt_held (%s, %s, %s)", params)
    return frozenset((day, str(id)) for day, id in differing)


def row_of(read: Read, price: Price, place: int, *, zone: ZoneInfo | None) -> Row:
    """Of the kind in this place. Without a zone it is UTC."""
    sent, cost, tokens = read.sent, read.sent.cost, read.sent.tokens
    texts = texts_of(sent)
    return Row(
        read.id,
        place,
        read.day,
        read.at,
        read.at.astimezone(zone).date() if zone else None,
        price.amount,
        read.ref,
        None if cost is None or cost.currency == "USD" else cost.currency,
        sent.streaming,
        sent.latency_ms,
        sent.time_to_first_token_ms,
        read.is_parent or None,
        read.above,
        {name: format(count.normalize(), "f") for name, count in read.units.items()} if read.units else None,
        read.tags or None,
        *(NO_COUNTS if tokens is None else counts_of(tokens)),
        *((text or None for text in texts) if "" in texts else texts),
    )


def ensure_weeks(days: Collection[date]) -> None:
    """Once for each week and process: a week that events may still come for is never dropped."""
    if mondays := mondays_of(days) - _there:
        partitions.ensure(mondays, table=partitions.EVENTS)
        transaction.on_commit(lambda: _there.update(mondays))  # before that they may be taken back


def forget_weeks() -> None:
    """One may be gone: whoever dropped it was told of another oldest event."""
    _there.clear()


def mondays_of(days: Collection[date]) -> set[date]:
    return {day - timedelta(days=day.weekday()) for day in days}


_there: set[date] = set()
_prepared: WeakSet[Connection[Any]] = WeakSet()
