"""Checks before calls at a steady pace through the whole product, each in time or not, beside callers without a pause."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import driving
from tests.bench.figures import Figure, percentile
from tests.product import Product

PATH, TRACK = "/api/usage/check", "/api/usage/track"
PACE, SECONDS, CONNECTIONS = 500, 20, 16
CALLERS, ROUNDS = 64, 40
FITS = CALLERS * ROUNDS // 3
BUDGETS: Sequence[dict[str, Any]] = (
    {"name": "Whole", "amount": "1000000", "mode": "block"},
    {"name": "Globex", "amount": "1000000", "mode": "block", "ledger": "measured", "scope": {"customer": ["globex"]}},
    {"name": "Model", "amount": "1000000", "scope": {"model": ["gpt-4o-mini"]}},
    {"name": "Race", "amount": str(FITS), "mode": "block", "ledger": "measured", "scope": {"customer": ["race"]}},
)


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with Product(directory / "var") as product:
        owner = product.bootstrap()
        status, made = owner.call(
            "POST", "/api/auth/api-keys", {"name": "bench", "scopes": ["ingest"], "environment": "live"}
        )
        assert status == 201, made
        headers = {"Authorization": f"Bearer {made['key']}", "Content-Type": "application/json"}
        for each in BUDGETS:
            status, said = owner.call("POST", "/api/budgets", {**each, "anyway": True})
            assert status == 201, said
        asked = json.dumps(
            {"provider": "openai", "model": "gpt-4o-mini", "customerId": "globex", "estimatedCost": "0.01"}
        )
        driving.drive(product.port, PATH, [asked.encode()] * 500, headers=headers, clients=CONNECTIONS)  # warm
        before, own = driving.cpu_of({*product.children(), *product.database()}), time.process_time()
        begun = time.perf_counter()
        late, reservations = paced(product.port, headers, asked.encode())
        used = driving.cpu_of({*product.children(), *product.database()}) - before
        driver = time.process_time() - own
        rate = PACE * SECONDS / (time.perf_counter() - begun)
        yield Figure(f"checks at {PACE}/s on {CONNECTIONS} connections", rate, "checks/s", at_least=PACE * 0.98)
        yield Figure("check from its time to its answer, p50", percentile(late, 0.5) * 1000, "ms")
        yield Figure("check from its time to its answer, p99", percentile(late, 0.99) * 1000, "ms", at_most=25)
        yield Figure("CPU of the product for 1,000 checks", used / (PACE * SECONDS) * 1000, "s")
        yield Figure("CPU of the driver beside it for 1,000 checks", driver / (PACE * SECONDS) * 1000, "s")
        settle(product, headers, reservations)
        yield from races(product, headers)


def paced(port: int, headers: dict[str, str], body: bytes) -> tuple[list[float], list[str]]:
    """Each check has its own moment; how late its answer came after that, waiting for a connection included."""
    begun, took, ids, lock = time.perf_counter() + 0.2, list[float](), list[str](), threading.Lock()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        mine: list[float] = []
        held: list[str] = []
        for turn in range(number, PACE * SECONDS, CONNECTIONS):
            due = begun + turn / PACE
            if (pause := due - time.perf_counter()) > 0:
                time.sleep(pause)  # until its moment
            connection.request("POST", PATH, body, headers)
            answer = connection.getresponse()
            said = answer.read()
            mine.append(time.perf_counter() - due)
            assert answer.status == 200, said
            held.append(json.loads(said)["reservationId"])
        with lock:
            took.extend(mine)
            ids.extend(held)

    together(client, CONNECTIONS)
    return took, ids


def settle(product: Product, headers: dict[str, str], reservations: Sequence[str]) -> None:
    now = datetime.now(UTC).isoformat()
    events = [
        {"id": each, "occurredAt": now, "provider": "openai", "model": "gpt-4o-mini", "customerId": "globex",
         "cost": {"amount": "0.008"}}
        for each in reservations
    ]  # fmt: skip
    bodies = [driving.body(events[start : start + 500]) for start in range(0, len(events), 500)]
    driving.drive(product.port, TRACK, bodies, headers=headers, clients=2)


def races(product: Product, headers: dict[str, str]) -> Iterator[Figure]:
    """A limit for a third of what 64 callers ask for at once: nothing above it gets in."""
    asked = json.dumps({"provider": "openai", "model": "m", "customerId": "race", "estimatedCost": "1"}).encode()
    admitted, lock = [0], threading.Lock()

    def caller(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
        mine = 0
        for _ in range(ROUNDS):
            connection.request("POST", PATH, asked, headers)
            answer = connection.getresponse()
            answer.read()
            mine += answer.status == 200
        with lock:
            admitted[0] += mine

    together(caller, CALLERS)
    yield Figure(
        f"admitted over the limit by {CALLERS} callers at once", max(admitted[0] - FITS, 0), "calls", at_most=0
    )
    yield Figure("admitted of what fits", admitted[0] / FITS * 100, "%", at_least=100)


def together(work: Any, count: int) -> None:
    threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
