"""The one door through which usage and bills become rows, what counts of a day, and rollups."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import scoped_organization
from usage import rollup, staging
from usage.counting import decide, end_of, is_revision
from usage.measuring import turning
from usage.models import (
    DayDimension,
    DayRollup,
    EndedAccount,
    HourRollup,
    Label,
    LedgerDay,
    PriceOverride,
    Revision,
    UsageRecord,
)
from usage.partitions import ensure
from usage.pricing import Override, Price, Pricer
from usage.rows import Ledger, UsageRow
from usage.staging import Window

__all__ = [
    "Recorded",
    "SuddenlyEmpty",
    "Window",
    "forget_connection",
    "forget_days",
    "holds_rows",
    "name_values",
    "record",
]

Sums = tuple[Decimal, int]  # amount, tokens
NOTHING: Sums = (Decimal(0), 0)
MARK_READ = """
UPDATE usage_ledgerday SET {column} = greatest({column}, %(now)s), reads = reads || %(reads)s::jsonb,
    counted = new.counted, state = new.state
FROM unnest(%(days)s::date[], %(counted)s::text[], %(states)s::text[]) AS new (day, counted, state)
WHERE organization_id = %(organization)s AND connection_id = %(connection)s AND usage_ledgerday.day = new.day"""


class SuddenlyEmpty(Exception):
    """A window that held rows came back without any; nothing was written.

    It is believed at a second reading an hour or more later (decisions.md 23): pass `believe_empty` then.
    """


@dataclass(frozen=True)
class Recorded:
    """`rows` as observed, rows of one identity counted once; `zeroed` are those no longer reported."""

    rows: int
    revised_days: tuple[date, ...]
    zeroed: int
    unpriced_tokens: int
    currencies: tuple[str, ...]


def record(
    organization_id: UUID,
    rows: Iterable[UsageRow],
    *,
    window: Window,
    now: datetime,
    complete: bool = True,
    believe_empty: bool = False,
) -> Recorded:
    """Write a provider window whole, inside the organization's scope and in its transaction.

    Rows that are new or differ are written, rows that vanished become zero, changes of days that were
    over are noted as revisions, what counts of each day is decided, and the rollups of the days on which
    anything changed are made anew. Running it again with the same rows changes nothing.

    `complete=False` says that some of the window could not be read: what is missing then keeps its
    figures, and the day does not count as read. Raises `SuddenlyEmpty` unless `believe_empty`, and
    ValueError for a row that is not of the window.
    """
    observed = _merged(rows, window)
    days = _days(window, observed.values(), now)
    ensure(days)
    held = _lock(organization_id, window, days)
    if not observed and complete and not believe_empty and staging.holds_rows(organization_id, window):
        raise SuddenlyEmpty(f"{window.endpoint} of {window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}")

    before = staging.sums_by_day(organization_id, window)
    pricer = Pricer(overrides_of(organization_id))
    unpriced, currencies = 0, set[str]()

    def priced() -> Iterator[tuple[UUID, UsageRow, Price]]:
        nonlocal unpriced
        for key, row in observed.items():
            price = pricer.price(row)
            if price.amount is None and row.kind == "tokens":
                unpriced += row.tokens.total
            currencies.add(row.currency)
            yield key, row, price

    written = staging.write(priced(), window=window, organization_id=organization_id, now=now, zero_missing=complete)
    after = staging.sums_by_day(organization_id, window) if written.days else before
    changes = {day: (before.get(day, NOTHING), after.get(day, NOTHING)) for day in written.days}
    revised = _note_revisions(organization_id, window, held, changes, now=now)
    turned = _mark_read(organization_id, window, held, now) if complete else set()
    rollup.rebuild(organization_id, window.connection_id, written.days | turned)
    return Recorded(len(observed), revised, written.zeroed, unpriced, tuple(sorted(currencies)))


def holds_rows(organization_id: UUID, window: Window) -> bool:
    """Whether anything but zero is held for a window."""
    return staging.holds_rows(organization_id, window)


MEASURED = UUID(int=0)  # the connection of what came without one


def name_values(connection_id: UUID, dimension: str, names: Mapping[str, tuple[str, str]]) -> None:
    """Remember what a provider calls its projects, keys and users: value to (name, detail)."""
    organization_id = scoped_organization()
    if organization_id is None:
        raise RuntimeError("names are written inside an organization's scope")
    Label.objects.bulk_create(
        [
            Label(
                id=uuid7(),
                organization_id=organization_id,
                connection_id=connection_id,
                dimension=dimension,
                value=value,
                name=name,
                detail=detail,
            )
            for value, (name, detail) in sorted(names.items())
        ],
        update_conflicts=True,
        unique_fields=["organization", "connection_id", "dimension", "value"],
        update_fields=["name", "detail"],
    )


def forget_connection(organization_id: UUID, connection_id: UUID) -> int:
    """Delete everything that came through a connection; answers how many rows there were."""
    mine = {"organization_id": organization_id, "connection_id": connection_id}
    covered = _covered(LedgerDay.objects.filter(**mine))
    deleted, _ = UsageRecord.objects.filter(**mine).delete()
    for model in (HourRollup, DayDimension, DayRollup, LedgerDay, EndedAccount, Revision, Label):
        model._default_manager.filter(**mine).delete()
    _uncovered(organization_id, covered)
    return deleted


def forget_days(organization_id: UUID, connection_id: UUID, *, since: date) -> int:
    """Delete the figures that came through a connection from a UTC day on; answers how many rows there were."""
    mine = {"organization_id": organization_id, "connection_id": connection_id}
    covered = _covered(LedgerDay.objects.filter(**mine, day__gte=since))
    deleted, _ = UsageRecord.objects.filter(**mine, day__gte=since).delete()
    for model in (DayDimension, DayRollup, LedgerDay, Revision):
        model._default_manager.filter(**mine, day__gte=since).delete()
    HourRollup.objects.filter(**mine, hour__gte=datetime.combine(since, time.min, UTC)).delete()
    _uncovered(organization_id, covered)
    return deleted


def _covered(days: QuerySet[LedgerDay]) -> dict[str, set[date]]:
    found: dict[str, set[date]] = defaultdict(set)
    for provider, day in days.values_list("provider", "day"):
        found[provider].add(day)
    return found


def _uncovered(organization_id: UUID, covered: Mapping[str, set[date]]) -> None:
    for provider, days in covered.items():
        turning.turn(organization_id, provider, days)


def overrides_of(organization_id: UUID) -> list[Override]:
    """The organization's own prices, as the pricer takes them."""
    return [
        Override(
            id=own.pk,
            provider=own.provider,
            model=own.model,
            since=own.since,
            until=own.until,
            processing=own.processing,
            rates={name: Decimal(rate) for name, rate in own.rates.items()} if own.rates is not None else None,
            discount_percent=own.discount_percent,
        )
        for own in PriceOverride.objects.filter(organization_id=organization_id)
    ]


def _merged(rows: Iterable[UsageRow], window: Window) -> dict[UUID, UsageRow]:
    """Rows by identity; rows that are equal in all dimensions are added (provider-apis.md 1.4)."""
    observed: dict[UUID, UsageRow] = {}
    for row in rows:
        if (row.ledger, row.endpoint, row.provider) != (window.ledger, window.endpoint, window.provider):
            raise ValueError(f"a row of {row.provider} {row.endpoint} in a window of {window.endpoint}")
        if not window.start <= row.start < window.end:
            raise ValueError(f"a row of {row.start:%Y-%m-%d %H:%M} outside of its window")
        key = row.key(window.connection_id)
        known = observed.get(key)
        observed[key] = known.plus(row) if known else row
    return observed


def _days(window: Window, rows: Iterable[UsageRow], now: datetime) -> list[date]:
    """The days of the window that have begun, and any later one that already has rows."""
    last = min(window.end - timedelta(microseconds=1), now.astimezone(UTC)).date()
    first = window.start.date()
    begun = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    return sorted(begun | {row.day for row in rows})


def _lock(organization_id: UUID, window: Window, days: list[date]) -> dict[date, LedgerDay]:
    """One writer at a time for these days of the connection, in order so that none waits in a circle."""
    mine = LedgerDay.objects.filter(
        organization_id=organization_id,
        connection_id=window.connection_id,
        day__gte=window.start.date(),
        day__lt=window.end.date(),
    )
    new = set(days).difference(mine.values_list("day", flat=True))
    LedgerDay.objects.bulk_create(
        [
            LedgerDay(
                organization_id=organization_id,
                connection_id=window.connection_id,
                day=day,
                provider=window.provider,
            )
            for day in sorted(new)
        ],
        ignore_conflicts=True,
    )
    turning.turn(organization_id, window.provider, new)
    return {held.day: held for held in mine.select_for_update().order_by("day")}


def _mark_read(organization_id: UUID, window: Window, held: Mapping[date, LedgerDay], now: datetime) -> set[date]:
    """Note the complete reading; answers the days for which another ledger counts from now on."""
    is_bill = window.ledger is Ledger.BILLED
    decisions = {}
    for day, known in held.items():
        read_at = max(now, known.bill_read_at or now) if is_bill else known.bill_read_at
        decisions[day] = decide(day, bill_read_at=read_at)
    with connection.cursor() as cursor:
        cursor.execute(
            MARK_READ.format(column="bill_read_at" if is_bill else "usage_read_at"),
            {
                "organization": organization_id,
                "connection": window.connection_id,
                "reads": json.dumps({window.endpoint: now.astimezone(UTC).isoformat()}),
                "now": now,
                "days": list(decisions),
                "counted": [decision.counted.value for decision in decisions.values()],
                "states": [decision.state.value for decision in decisions.values()],
            },
        )
    return {day for day, decision in decisions.items() if held[day].counted != decision.counted}


def _note_revisions(
    organization_id: UUID,
    window: Window,
    held: Mapping[date, LedgerDay],
    changes: Mapping[date, tuple[Sums, Sums]],
    *,
    now: datetime,
) -> tuple[date, ...]:
    revisions = []
    for day, (old, new) in sorted(changes.items()):
        read_before = held[day].reads.get(window.endpoint)
        if old == new or not read_before:
            continue
        if is_revision(day, read_before_at=datetime.fromisoformat(read_before)):
            revisions.append(
                Revision(
                    organization_id=organization_id,
                    connection_id=window.connection_id,
                    provider=window.provider,
                    ledger=window.ledger,
                    endpoint=window.endpoint,
                    day=day,
                    old_amount=old[0],
                    new_amount=new[0],
                    old_tokens=old[1],
                    new_tokens=new[1],
                    at=now,
                    age_hours=(now - end_of(day)) // timedelta(hours=1),
                )
            )
    Revision.objects.bulk_create(revisions)
    return tuple(revision.day for revision in revisions)
