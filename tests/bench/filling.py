"""How fast events come in, and what they take on the disk, when an organization has millions of them already."""

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench import calls, driving
from tests.bench.figures import Figure
from tests.bench.ingest import PACE, key_of, measured, parts, postgres_of, size_of, take, warm
from tests.product import Product

MILLION, STEP, BATCH = 1_000_000, 50_000, 1_000


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    """Of one organization; each million lies over the same four weeks."""
    with Product(directory / "var", PACE) as product:
        owner = product.bootstrap()
        headers, socket = key_of(owner), postgres_of(product)
        story = millions()
        warm(product, headers, story)
        before, rates = size_of(socket), []
        for sent in range(STEP, rows + 1, STEP):
            bodies = [driving.body(part) for part in parts(take(story, STEP), BATCH)]
            rates.append(STEP / measured(owner, product, headers, bodies)[0].seconds)
            if sent == MILLION:
                yield on_disk(size_of(socket) - before, sent, at_most=500)
        if rows != MILLION:
            yield on_disk(size_of(socket) - before, rows)
        some = max(4, len(rates) // 20)
        first, last = statistics.median(rates[:some]), statistics.median(rates[-some:])
        yield Figure(f"ingest of the first {some * STEP:,} events", first, "events/s")
        yield Figure(f"ingest of the last of {rows:,} events over the first", last / first, "x", at_least=0.7)


def on_disk(size: int, count: int, *, at_most: float | None = None) -> Figure:
    return Figure(f"disk for one of {count:,} events, all included", size / count, "bytes", at_most=at_most)


def millions() -> Iterator[dict[str, Any]]:
    until = datetime.now(UTC) - timedelta(minutes=5)
    for seed in count(1):
        yield from calls.calls(MILLION, until=until, seed=seed)
