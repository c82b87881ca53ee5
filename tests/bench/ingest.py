"""Events through the whole product, beside what the same database could do with them and nothing else."""

import json
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.bench import calls, driving
from tests.bench.figures import Figure, percentile
from tests.product import Api, Product

TRACK = "/api/usage/track"
CLIENTS = 4
PHASES = ((1000, 60_000, 30_000, 0.5), (100, 40_000, 20_000, 0.5))  # batch, events, goal of events/s, goal over raw
SINGLES = 3_000
FIRSTS = 30
MILLION, STEP = 1_000_000, 50_000
RAW_COLUMNS = ("id uuid, at timestamptz, provider text, model text, customer text, user_ref text, feature text, "
               "environment text, input bigint, cached bigint, output bigint, latency bigint, amount numeric")  # fmt: skip
RAW_NAMES = ", ".join(part.split()[0] for part in RAW_COLUMNS.split(", "))
RAW_SUMS = "calls, input, cached, output, amount"
RAW_ROLLUPS = {
    "raw_model": ("date_trunc('hour', at, 'UTC')", "provider, model, environment"),
    "raw_customer": ("date_trunc('day', at, 'UTC')", "customer, provider, model"),
    "raw_feature": ("date_trunc('day', at, 'UTC')", "feature, provider, model"),
}


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with Product(directory / "var") as product:
        owner = product.bootstrap()
        headers = key_of(owner)
        wanted = sum(size for _, size, _, _ in PHASES) + SINGLES + FIRSTS + 4_000
        story = calls.calls(wanted, until=datetime.now(UTC) - timedelta(minutes=5))
        send(
            product, headers, [driving.body(take(story, 100)) for _ in range(20)]
        )  # warm: every process has its prices
        yield first_visible(owner, product, headers, take(story, FIRSTS))
        socket = postgres_of(product)
        before = size_of(socket)
        sent = 0
        for batch, count, goal, ratio in PHASES:
            events = take(story, count)
            raw = statistics.median(raw_limit(socket, events, batch) for _ in range(3))
            driven, used = measured(owner, product, headers, [driving.body(part) for part in parts(events, batch)])
            rate = count / driven.seconds
            sent += count
            yield Figure(f"raw database, batch {batch}, {CLIENTS} connections", raw, "events/s")
            yield Figure(f"ingest, batch {batch}, {CLIENTS} clients", rate, "events/s", at_least=goal)
            yield Figure(f"ingest over raw, batch {batch}", rate / raw, "x", at_least=ratio)
            yield Figure(f"CPU of the product for 1,000 events, batch {batch}", used / count * 1000, "s", at_most=0.06)
            yield Figure(f"answer, batch {batch}, p95", percentile(driven.took, 0.95) * 1000, "ms",
                         at_most=25 if batch == 100 else None)  # fmt: skip
        yield Figure(f"disk for one of {sent:,} events", (size_of(socket) - before) / sent, "bytes")
        driven, used = measured(owner, product, headers, [driving.body([event]) for event in take(story, SINGLES)])
        yield Figure(f"ingest, batch 1, {CLIENTS} clients", SINGLES / driven.seconds, "requests/s", at_least=800)
        yield Figure("answer, batch 1, p99", percentile(driven.took, 0.99) * 1000, "ms", at_most=25)
        yield Figure("CPU of the product for 1,000 events, batch 1", used / SINGLES * 1000, "s", at_most=1.2)
        yield from memory(product)
    yield from million(directory)


def first_visible(owner: Api, product: Product, headers: dict[str, str], events: Sequence[dict[str, Any]]) -> Figure:
    """From the beginning of the request that tells of a customer's first call to the end of the one that shows its cost.

    Both connections stay open, as those of programs and browsers do.
    """
    program, reader = (HTTPConnection("127.0.0.1", product.port, timeout=60) for _ in range(2))
    cookie = {"Cookie": "; ".join(f"{each.name}={each.value}" for each in owner.cookies)}
    took = []
    for number, event in enumerate(events):
        name = f"first-{number}-"
        told = driving.body([event | {"customerId": name, "status": "ok", "tokens": {"input": 1_000}}])
        begun = time.perf_counter()
        answered(program, "POST", TRACK, told, headers)
        [customer] = answered(reader, "GET", f"/api/customers?search={name}", None, cookie)["items"]
        took.append(time.perf_counter() - begun)
        assert float(customer["cost"]) > 0, customer
    return Figure(f"first visible cost, idle, median of {len(took)}", statistics.median(took) * 1000, "ms", at_most=20)


def answered(line: HTTPConnection, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
    line.request(method, path, body, headers)
    answer = line.getresponse()
    said = answer.read()
    assert answer.status < 300, said
    return json.loads(said)


def million(directory: Path) -> Iterator[Figure]:
    """As many events of one organization over the same four weeks."""
    with Product(directory / "million") as product:
        owner = product.bootstrap()
        headers, socket = key_of(owner), postgres_of(product)
        story = calls.calls(MILLION + 2_000, until=datetime.now(UTC) - timedelta(minutes=5))
        send(product, headers, [driving.body(take(story, 100)) for _ in range(20)])
        before, rates = size_of(socket), []
        for _ in range(MILLION // STEP):
            bodies = [driving.body(part) for part in parts(take(story, STEP), 1000)]
            rates.append(STEP / measured(owner, product, headers, bodies)[0].seconds)
        disk = (size_of(socket) - before) / MILLION
        yield Figure("disk for one of a million events, indexes and rollups included", disk, "bytes", at_most=500)
        ratio = statistics.median(rates[-4:]) / statistics.median(rates[:4])
        yield Figure("ingest of the last fifth of a million events over the first", ratio, "x", at_least=0.7)


def memory(product: Product) -> Iterator[Figure]:
    """What processes share counts once in the whole, and in each web process."""
    web = max(process.memory_info().rss for process in product.children("gunicorn"))
    whole = 0
    for process in {*product.children(), *product.database()}:
        with suppress(psutil.NoSuchProcess):  # one that the database had only for a moment
            whole += process.memory_full_info().pss
    yield Figure("memory of the largest web process", web / 2**20, "MiB", at_most=150)
    yield Figure("memory of the whole product", whole / 2**20, "MiB", at_most=700)


def key_of(owner: Api) -> dict[str, str]:
    """What a program sends beside its events."""
    told = {"name": "bench", "scopes": ["ingest"], "environment": "live"}
    status, made = owner.call("POST", "/api/auth/api-keys", told)
    assert status == 201, made
    return {"Authorization": f"Bearer {made['key']}", "Content-Type": "application/json"}


def take(story: Iterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [next(story) for _ in range(count)]


def parts(events: Sequence[dict[str, Any]], size: int) -> list[Sequence[dict[str, Any]]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


def send(product: Product, headers: dict[str, str], bodies: Sequence[bytes], *, path: str = TRACK) -> driving.Driven:
    return driving.drive(product.port, path, bodies, headers=headers, clients=CLIENTS)


def measured(
    owner: Api, product: Product, headers: dict[str, str], bodies: Sequence[bytes], *, path: str = TRACK
) -> tuple[driving.Driven, float]:
    """With the CPU seconds that the product's processes, its database among them, used meanwhile.

    It is over when a page has shown all of it: what waited to be added up is a part of the time.
    """
    before = driving.cpu_of([*product.children(), *product.database()])
    driven = send(product, headers, bodies, path=path)
    begun = time.perf_counter()
    owner.get("/api/auth/me")
    driven.seconds += time.perf_counter() - begun
    return driven, driving.cpu_of([*product.children(), *product.database()]) - before


def postgres_of(product: Product) -> str:
    """The directory of its socket."""
    from tokentra.machine import places

    return str(places.socket_dir(product.var / "postgres"))


def size_of(socket: str) -> int:
    with psycopg.connect(host=socket, user="postgres", dbname="tokentra", autocommit=True) as session:
        session.execute("CHECKPOINT")
        found = session.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'p') AND "
            "(relname LIKE 'usage_event%' OR relname LIKE 'usage_measured%' OR relname LIKE 'usage_appearance%' "
            "OR relname IN ('usage_callkind', 'usage_run', 'usage_hourrollup', 'usage_daydimension', 'usage_dayrollup'))"
        ).fetchone()
    assert found
    return int(found[0])


# What the database does with the same events and none of the product: dedupe and three narrow rollups.


def raw_limit(socket: str, events: Sequence[dict[str, Any]], batch: int) -> float:
    """Events a second, over four connections, each transaction one batch."""
    lines = [raw_line(event) for event in events]
    with raw_session(socket) as session:
        session.execute("DROP TABLE IF EXISTS raw_event")
        session.execute(f"CREATE TABLE raw_event ({RAW_COLUMNS}, PRIMARY KEY (id))")
        session.execute("CREATE INDEX ON raw_event (at)")
        for table, (_, key) in RAW_ROLLUPS.items():
            columns = ", ".join(f"{name} text" for name in key.split(", "))
            session.execute(f"DROP TABLE IF EXISTS {table}")
            session.execute(
                f"CREATE TABLE {table} (at timestamptz, {columns}, calls bigint, input bigint, cached bigint, "
                f"output bigint, amount numeric, PRIMARY KEY (at, {key})) WITH (fillfactor = 70)"
            )
        session.execute("CHECKPOINT")
    chunks = [b"".join(part) for part in parts(lines, batch)]  # type: ignore[arg-type]  # lines are bytes
    threads = [threading.Thread(target=copy_raw, args=[socket, chunks[n::CLIENTS]]) for n in range(CLIENTS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(events) / (time.perf_counter() - begun)


def raw_session(socket: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True)


def copy_raw(socket: str, chunks: Sequence[bytes]) -> None:
    with raw_session(socket) as session, session.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE raw_staging ({RAW_COLUMNS}) ON COMMIT DELETE ROWS")
        for chunk in chunks:
            with session.transaction():
                with cursor.copy(f"COPY raw_staging ({RAW_NAMES}) FROM STDIN") as copy:
                    copy.write(chunk)
                cursor.execute(raw_statement(), prepare=True)


def raw_statement() -> str:
    statement = "WITH new AS (INSERT INTO raw_event SELECT * FROM raw_staging ON CONFLICT DO NOTHING RETURNING *)"
    for table, (at, key) in RAW_ROLLUPS.items():
        places = ", ".join(str(place + 1) for place in range(key.count(",") + 2))
        sums = "count(*), sum(input), sum(cached), sum(output), sum(amount)"
        changes = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in RAW_SUMS.split(", "))
        statement += (
            f", to_{table} AS (INSERT INTO {table} SELECT {at}, {key}, {sums} FROM new GROUP BY {places} "
            f"ORDER BY {places} ON CONFLICT (at, {key}) DO UPDATE SET {changes})"
        )
    return f"{statement} SELECT count(*) FROM new"


def raw_line(event: dict[str, Any]) -> bytes:
    tokens = event["tokens"]
    counts = [tokens.get(name, 0) for name in ("input", "cacheRead", "output")]
    texts = [
        event[name]
        for name in ("id", "occurredAt", "provider", "model", "customerId", "userId", "feature", "environment")
    ]
    return ("\t".join(map(str, [*texts, *counts, event["latencyMs"], "0.001"])) + "\n").encode()
