"""How observed rows get into the table: copied beside it, compared, and only what differs is written."""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from usage.models import COUNTS, UsageRecord
from usage.pricing import Price
from usage.rows import TOKEN_CLASSES, Ledger, UsageRow

COLUMNS = tuple(str(field.column) for field in UsageRecord._meta.concrete_fields)
OBSERVED = (*COUNTS, "units", "requests")
PRICED = ("amount", "basis", "rate_ref")
LONGEST_TEXT = 500
ANALYZED_FROM = 2_000

_KEY = "r.organization_id = s.organization_id AND r.day = s.day AND r.id = s.id"
_WINDOW = """r.organization_id = %(organization)s AND r.connection_id = %(connection)s
    AND r.ledger = %(ledger)s AND r.endpoint = %(endpoint)s AND r.day >= %(first)s AND r.day < %(end)s"""
_TOTAL = " + ".join(f"r.{name}" for name in TOKEN_CLASSES)
_NOT_ZERO = f"(r.amount IS DISTINCT FROM 0 OR r.requests <> 0 OR {_TOTAL} <> 0 OR r.units <> '{{}}')"

# A price is not an observation: what a row was priced at stays until its counts change or somebody reprices.
_DIFFERS = f"""(({", ".join(f"r.{name}" for name in OBSERVED)})
    IS DISTINCT FROM ({", ".join(f"s.{name}" for name in OBSERVED)})
    OR (s.basis IN ('billed', 'reported') AND r.amount IS DISTINCT FROM s.amount))"""

UPDATE = f"""
UPDATE usage_usagerecord r SET {", ".join(f"{name} = s.{name}" for name in (*OBSERVED, *PRICED, "seen_at"))}
FROM usage_staging s
WHERE {_KEY} AND r.organization_id = %(organization)s AND r.seen_at <= %(now)s AND {_DIFFERS}
RETURNING r.day"""  # noqa: S608  # names of ours
INSERT = f"""
INSERT INTO usage_usagerecord ({", ".join(COLUMNS)})
SELECT {", ".join(f"s.{name}" for name in COLUMNS)} FROM usage_staging s
WHERE NOT EXISTS (SELECT FROM usage_usagerecord r WHERE {_KEY} AND r.organization_id = %(organization)s)
RETURNING day"""  # noqa: S608  # names of ours
ZERO = f"""
UPDATE usage_usagerecord r SET {", ".join(f"{name} = 0" for name in (*COUNTS, "amount"))}, units = '{{}}',
    requests = CASE WHEN requests IS NULL THEN NULL ELSE 0 END,
    basis = CASE WHEN basis = 'unpriced' THEN 'computed' ELSE basis END,
    rate_ref = 'no longer reported', seen_at = %(now)s
WHERE {_WINDOW} AND r.seen_at <= %(now)s AND {_NOT_ZERO}
    AND NOT EXISTS (SELECT FROM usage_staging s WHERE {_KEY})
RETURNING r.day"""  # noqa: S608  # names of ours
SUMS = f"""
SELECT r.day, coalesce(sum(r.amount), 0), sum({_TOTAL})::bigint FROM usage_usagerecord r
WHERE {_WINDOW} GROUP BY r.day"""  # noqa: S608  # names of ours
HOLDS = f"SELECT EXISTS (SELECT FROM usage_usagerecord r WHERE {_WINDOW} AND {_NOT_ZERO})"  # noqa: S608  # names of ours


@dataclass(frozen=True)
class Window:
    """A stretch of one endpoint of one connection that was read whole: [start, end), at UTC midnights."""

    connection_id: UUID
    provider: str
    ledger: Ledger
    endpoint: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        midnight = time(0, tzinfo=UTC)
        if {self.start.timetz(), self.end.timetz()} != {midnight} or self.end <= self.start:
            raise ValueError("a Window runs from a UTC midnight to a later one")

    def parameters(self, organization_id: UUID, now: datetime) -> dict[str, Any]:
        return {
            "organization": organization_id,
            "connection": self.connection_id,
            "ledger": self.ledger.value,
            "endpoint": self.endpoint,
            "first": self.start.date(),
            "end": self.end.date(),
            "now": now,
        }


@dataclass(frozen=True)
class Written:
    """Days on which something changed, and how many rows were set to zero."""

    days: set[date]
    zeroed: int


def write(
    priced: Iterable[tuple[UUID, UsageRow, Price]],
    *,
    window: Window,
    organization_id: UUID,
    now: datetime,
    zero_missing: bool,
) -> Written:
    """Make the table hold these rows for the window; rows that it holds already are not touched."""
    params = window.parameters(organization_id, now)
    with closing(connection.cursor()) as cursor:
        copied = _copy(cursor, priced, window, organization_id, now)
        if copied >= ANALYZED_FROM:
            cursor.execute("ANALYZE usage_staging")
        days: set[date] = set()
        zeroed = 0
        if copied:
            for statement in (UPDATE, INSERT):
                cursor.execute(statement, params)
                days.update(day for (day,) in cursor.fetchall())
        if zero_missing:
            cursor.execute(ZERO, params)
            gone = cursor.fetchall()
            zeroed = len(gone)
            days.update(day for (day,) in gone)
        return Written(days, zeroed)


def holds_rows(organization_id: UUID, window: Window) -> bool:
    """Whether anything but zero is held for a window."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDS, window.parameters(organization_id, window.end))
        return bool(cursor.fetchone()[0])


def sums_by_day(organization_id: UUID, window: Window) -> dict[date, tuple[Decimal, int]]:
    """Amount and tokens that are held for each day of a window."""
    with connection.cursor() as cursor:
        cursor.execute(SUMS, window.parameters(organization_id, window.end))
        return {day: (amount, tokens) for day, amount, tokens in cursor.fetchall()}


def _copy(
    cursor: CursorWrapper,
    priced: Iterable[tuple[UUID, UsageRow, Price]],
    window: Window,
    organization_id: UUID,
    now: datetime,
) -> int:
    cursor.execute("CREATE TEMP TABLE IF NOT EXISTS usage_staging (LIKE usage_usagerecord) ON COMMIT DELETE ROWS")
    cursor.execute("CREATE INDEX IF NOT EXISTS usage_staging_id ON usage_staging (id)")
    cursor.execute("DELETE FROM usage_staging")
    copied = 0
    with cursor.copy(f"COPY usage_staging ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for key, row, price in priced:
            values = _values(row, price) | {
                "id": key,
                "organization_id": organization_id,
                "connection_id": window.connection_id,
                "first_seen_at": now,
                "seen_at": now,
            }
            copy.write_row([values[name] for name in COLUMNS])
            copied += 1
    return copied


def _values(row: UsageRow, price: Price) -> dict[str, object]:
    counts = dict(zip(TOKEN_CLASSES, row.tokens.classes, strict=True))
    return {
        **counts,
        "reasoning": row.tokens.reasoning,
        "units": json.dumps({name: _plain(count) for name, count in row.units if count}) if row.units else "{}",
        "day": row.day,
        "ledger": row.ledger.value,
        "endpoint": row.endpoint,
        "start": row.start,
        "seconds": row.seconds,
        "provider": row.provider,
        "model": _text(row.model),
        "project": _text(row.project),
        "api_key": _text(row.api_key),
        "user_ref": _text(row.user),
        "service_tier": _text(row.service_tier),
        "batch": row.batch,
        "context_window": _text(row.context_window),
        "line_item": _text(row.line_item),
        "kind": row.kind,
        "extra": json.dumps({_text(name): _text(value) for name, value in row.extra}) if row.extra else "{}",
        "requests": row.requests,
        "amount": price.amount,
        "currency": row.currency,
        "basis": price.basis.value,
        "rate_ref": price.rate_ref,
    }


def _text(text: str) -> str:
    """As the database can hold it: no NUL, no lone surrogates, and cut with a mark when it is absurd."""
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - 1] + "…"
    if text.isascii():
        return text.replace("\0", "")
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _plain(count: Decimal) -> str:
    return format(count.normalize(), "f")
