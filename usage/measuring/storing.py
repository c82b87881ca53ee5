"""Stores events once, in one transaction of the organization; they wait there to be added up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import compress
from operator import attrgetter
from typing import Any
from uuid import UUID
from weakref import WeakSet
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from psycopg import ClientCursor, Connection

from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope
from usage import partitions
from usage.measuring import arrays, at_once, kinds, statements, telling_apart
from usage.measuring.given import GIVEN
from usage.measuring.kinds import Kind
from usage.measuring.reading import Read
from usage.measuring.transactions import sums_of
from usage.models import COUNTS
from usage.pricing import Price

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
# Of a row of usage_event, without what all rows of a request have; its kind by the place in a list.
COLUMNS = (
    *("day", "id", "kind_id", "occurred_at", "zone_day", "amount", "ref", "currency", "is_streamed", "latency_ms"),
    *("first_token_ms", "is_parent", "above", "units", "tags", *COUNTS, *TEXT_COLUMNS),
)
WRITTEN_AS = {"units": arrays.documents, "tags": arrays.documents} | dict.fromkeys(COUNTS, arrays.counts)
Columns = dict[str, Sequence[Any]]
counts_of, texts_of = attrgetter(*COUNTS), attrgetter(*TEXT_COLUMNS.values())
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

    def columns(self) -> Columns:
        """Of their rows as they stand now, in an order in which two who write the same ones never wait in a circle.

        There is at least one.
        """
        own = None if self.zone.key == "UTC" else self.zone
        places = {id: place for place, id in enumerate(self.kinds, 1)}  # by which the rows name their kinds
        each = zip(self.events, self.kinds_of, strict=True)
        rows = sorted(row_of(read, price, places[kind.id], zone=own) for (read, price), kind in each)
        return dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))

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
    columns = told.columns()
    try:
        held = with_what_is_new(told, columns)
    except IntegrityError:
        forget_weeks()
        raise
    if not held:
        return NOTHING
    chosen = [key in held for key in keys_of(columns)]
    repeated: Columns = {name: [*compress(column, chosen)] for name, column in columns.items()}
    untimed = {(read.day, read.id) for read, _ in told.events if not read.is_timed}
    each = zip(repeated["occurred_at"], keys_of(repeated), strict=True)
    # one without a time came later than the first: that is no difference
    repeated["occurred_at"] = [None if key in untimed else at for at, key in each]
    return Stored(held, conflicting(told, repeated))


def keys_of(columns: Columns) -> list[Key]:
    return [*zip(columns["day"], columns["id"], strict=True)]


def is_plain(session: Connection[Any], told: Told, columns: Columns) -> bool:
    """Whether nothing has to be there before the events, or noted of their tags."""
    return not (
        kinds.unknown(session, told.organization_id, told.kinds.keys())
        or mondays_of(set(columns["day"])) - _there
        or (told.tags and summed_tags_of(columns, told.tags))
    )


def with_what_is_new(told: Told, columns: Columns) -> frozenset[Key]:
    """Which were held."""
    ensure_weeks(set(columns["day"]))
    with connection.wrap_database_errors:
        session = prepared(connection.connection)
        ensure_kinds(session, told)
        held = written(session, told, columns)
    if tagged := summed_tags_of(columns, told.tags):
        with ClientCursor(session) as own:
            telling_apart.tell_apart(own, told.organization_id, tagged)
    return held


def kind_of(key: str | None, read: Read, price: Price) -> Kind:
    sent = read.sent
    operation, environment = sent.operation or None, sent.environment or None
    return kinds.kind_of(
        key, sent.provider, sent.model, operation, sent.status or "ok", environment, price.basis, price.rate_ref
    )


def written(session: Connection[Any], told: Told, columns: Columns) -> frozenset[Key]:
    """Which of the rows were held already."""
    found = at_once.prepared(session, "tt_store", [*params_of(told), *arrays_of(columns)])
    if found.get_value(0, 0) == b"%d" % len(told.events):
        return frozenset()
    stored = {(day, str(id)) for _, day, id in at_once.rows(session, found) if id}
    return frozenset(keys_of(columns)) - stored


def params_of(told: Told) -> list[str]:
    """With which rows are written, beside themselves.

    That shares a lock with other writers which whoever turns, rebuilds or compares the organization's sums takes alone.
    """
    return [
        *(str(told.organization_id), told.now.isoformat(), str(uuid7()), str(len(told.events)), told.zone.key),
        *(told.array, told.lock),
    ]


def arrays_of(columns: Columns) -> list[bytes | None]:
    """As statements take them."""
    return [WRITTEN_AS.get(name, arrays.array)(columns[name]) for name in GIVEN]


def ensure_kinds(session: Connection[Any], told: Told) -> None:
    """Once for each kind and session: one that an event names is never deleted while its organization is there."""
    if new := kinds.unknown(session, told.organization_id, told.kinds.keys()):
        # under the lock, for which somebody may wait who waits for a kind
        at_once.prepared(session, "tt_together", [told.lock])
        at_once.prepared(
            session, "tt_add_kinds", [str(told.organization_id), arrays.encode([told.kinds[id] for id in new])]
        )
        # before they are committed they may be taken back
        transaction.on_commit(lambda: kinds.remember(session, told.organization_id, new))


def prepared(session: Connection[Any]) -> Connection[Any]:
    if session not in _prepared:
        with ClientCursor(session) as own:
            statements.prepare(own)
        _prepared.add(session)
    return session


def summed_tags_of(columns: Columns, tags: frozenset[str]) -> set[telling_apart.Value]:
    if not tags:
        return set()
    each = zip(columns["day"], columns["tags"], strict=True)
    return {(name, day, text) for day, told in each if told for name, text in told.items() if name in tags}


def conflicting(told: Told, columns: Columns) -> frozenset[Key]:
    """Of events that are held, those whose content was another."""
    rows = [each and each.decode() for each in arrays_of(columns)]
    asked = f"EXECUTE tt_held (%s, %s{', %s' * len(rows)})"
    with organization_scope(told.organization_id, up_to_date=False), ClientCursor(connection.connection) as own:
        statements.prepare(own)
        differing = statements.by_key(own, asked, [told.organization_id, told.array, *rows])
    return frozenset((day, str(id)) for day, id in differing)


def row_of(read: Read, price: Price, place: int, *, zone: ZoneInfo | None) -> tuple[Any, ...]:
    """Of the kind in this place, in the order of COLUMNS. Without a zone it is UTC."""
    sent, cost, tokens = read.sent, read.sent.cost, read.sent.tokens
    texts = texts_of(sent)
    return (
        read.day,
        read.id,
        place,
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
