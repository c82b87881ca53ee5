"""The dashboard over millions of rows, as a browser asks for it: one client, warm, whole page."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure, percentile
from tests.product import ROOT, Api, Product

LOOKS = 60
NEIGHBOURS = 1_000
GOALS = {"30d": 60.0, "90d": 120.0}


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    at = {}
    for size in (rows // 10, rows):
        with Product(directory / f"var-{size}") as product:
            owner = product.bootstrap()
            slug = owner.get("/api/auth/me")["organization"]["name"].lower()
            begun = time.monotonic()
            subprocess.run(
                [sys.executable, "-m", "tests.bench.crowd", slug, str(size), str(NEIGHBOURS)],
                cwd=ROOT,
                env=product.env | {"TOKENTRA_DB_ROLE": "worker"},
                check=True,
            )
            yield Figure(f"(writing {size:,} rows and {NEIGHBOURS:,} organizations)", time.monotonic() - begun, "s")
            for period in GOALS:
                at[size, period] = look(owner, period)
    for period, goal in GOALS.items():
        small, large = at[rows // 10, period], at[rows, period]
        yield Figure(f"dashboard, {period}, {rows:,} rows: p50", percentile(large, 0.5), "ms")
        yield Figure(f"dashboard, {period}, {rows:,} rows: p95", percentile(large, 0.95), "ms", at_most=goal)
        ratio = percentile(large, 0.5) / percentile(small, 0.5)
        yield Figure(f"dashboard, {period}: {rows:,} rows over {rows // 10:,}, p50", ratio, "x", at_most=1.5)


def look(owner: Api, period: str) -> list[float]:
    """Milliseconds from the request's first byte to the page's last, after some looks that warm it."""
    taken = []
    for number in range(LOOKS + 10):
        begun = time.perf_counter()
        status, _ = owner.send("GET", f"/dashboard/?period={period}")
        assert status == 200
        if number >= 10:
            taken.append((time.perf_counter() - begun) * 1000)
    return taken
