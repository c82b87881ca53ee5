"""What the database by itself does with the same events: each stored once and added up in three narrow tables.

A realistic table (a UUID as its key and two indexes), rows packed beforehand and copied to a staging table, durable
with each transaction: the limit that whatever stands before the database is measured against.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any
from uuid import UUID

import psycopg

COLUMNS = {
    "id": "uuid",
    "at": "timestamptz",
    "organization": "int4",
    **dict.fromkeys(("provider", "model", "operation", "customer", "user_ref", "feature", "environment"), "text"),
    **dict.fromkeys(("session", "trace", "span"), "text"),
    **dict.fromkeys(("input", "output", "cached", "written", "reasoning", "latency", "first_token"), "int4"),
    "is_streamed": "boolean",
    "status": "text",
    "error": "text",
    "nano_usd": "int8",
}
INDEXES = ("organization, at", "organization, customer, at")
SUMS = {
    "calls": "count(*)",
    "errors": "count(*) FILTER (WHERE status <> 'ok')",
    **{name: f"sum({name})" for name in ("input", "output", "cached", "written", "reasoning", "nano_usd")},
}
ROLLUPS = {
    "raw_model": ("hour", "provider, model, environment"),
    "raw_customer": ("day", "customer, provider, model"),
    "raw_feature": ("day", "feature, provider, model"),
}
HEAD, TAIL, NULL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff", b"\xff\xff\xff\xff"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
short, long, double = Struct(">h").pack, Struct(">i").pack, Struct(">q").pack
PACKED: dict[str, Callable[[Any], bytes]] = {
    "uuid": lambda text: UUID(text).bytes,
    "timestamptz": lambda at: double(round((at - EPOCH).total_seconds() * 1_000_000)),
    "int4": long,
    "int8": double,
    "boolean": lambda is_so: b"\x01" if is_so else b"\x00",
    "text": str.encode,
}


def limit(socket: str, events: Sequence[dict[str, Any]], batch: int, *, connections: int) -> float:
    """Events a second until all are stored, in transactions of `batch`; nothing of it stays in the database."""
    rows = [packed(event) for event in events]
    chunks = [HEAD + b"".join(rows[start : start + batch]) + TAIL for start in range(0, len(rows), batch)]
    with session(socket) as own:
        own.execute(";".join(made()))
        own.execute("CHECKPOINT")
        threads = [
            threading.Thread(target=store, args=[socket, chunks[number::connections]]) for number in range(connections)
        ]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - begun
        [stored] = own.execute("SELECT count(*) FROM raw_event").fetchone() or [0]
        assert stored == len(events), stored
        own.execute(f"DROP TABLE raw_event, {', '.join(ROLLUPS)}")
    return len(events) / took


def session(socket: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True)


def made() -> list[str]:
    columns = ", ".join(f"{name} {kind}{'' if name == 'error' else ' NOT NULL'}" for name, kind in COLUMNS.items())
    sums = ", ".join(f"{name} int8" for name in SUMS)
    tables = [f"CREATE TABLE raw_event ({columns}, PRIMARY KEY (id))"]
    tables += [f"CREATE INDEX ON raw_event ({index})" for index in INDEXES]
    for table, (_, key) in ROLLUPS.items():
        texts = ", ".join(f"{name} text" for name in key.split(", "))
        tables.append(
            f"CREATE TABLE {table} (organization int4, at timestamptz, {texts}, {sums}, "
            f"PRIMARY KEY (organization, at, {key})) WITH (fillfactor = 70)"
        )
    return tables


def store(socket: str, chunks: Sequence[bytes]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with session(socket) as own, own.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE raw_staging ({columns}) ON COMMIT DELETE ROWS")
        for chunk in chunks:
            with own.transaction():
                with cursor.copy("COPY raw_staging FROM STDIN (FORMAT binary)") as copy:
                    copy.write(chunk)
                cursor.execute(statement(), prepare=True)


def statement() -> str:
    steps = ["new AS (INSERT INTO raw_event SELECT * FROM raw_staging ON CONFLICT DO NOTHING RETURNING *)"]
    changes = ", ".join(f"{name} = held.{name} + excluded.{name}" for name in SUMS)
    for table, (grain, key) in ROLLUPS.items():
        places = ", ".join(str(place + 1) for place in range(key.count(",") + 3))
        steps.append(
            f"to_{table} AS (INSERT INTO {table} AS held "
            f"SELECT organization, date_trunc('{grain}', at, 'UTC'), {key}, {', '.join(SUMS.values())} FROM new "
            f"GROUP BY {places} ORDER BY {places} ON CONFLICT (organization, at, {key}) DO UPDATE SET {changes})"
        )
    return f"WITH {', '.join(steps)} SELECT count(*) FROM new"


def packed(event: dict[str, Any]) -> bytes:
    """One row in the database's own format."""
    tokens, id = event["tokens"], event["id"].replace("-", "")
    values = (
        event["id"],
        datetime.fromisoformat(event["occurredAt"]),
        1,
        *(event[name] for name in ("provider", "model", "operation", "customerId", "userId", "feature", "environment")),
        *(event["tags"]["session.id"], id, id[16:]),
        *(tokens.get(name, 0) for name in ("input", "output", "cacheRead", "cacheWrite5m", "reasoning")),
        *(event["latencyMs"], event["timeToFirstTokenMs"], event["streaming"], event["status"]),
        event.get("errorCode"),
        1_000_000,
    )
    cells = [
        value if value is None else PACKED[kind](value) for kind, value in zip(COLUMNS.values(), values, strict=True)
    ]
    return short(len(cells)) + b"".join(NULL if cell is None else long(len(cell)) + cell for cell in cells)
