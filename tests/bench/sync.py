"""Ninety days of forty models and thirty projects, from a fake provider to the last row."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psutil

from tests.bench.figures import Figure
from tests.fake_provider import FakeProvider, generate
from tests.product import Product, wait_for


class Peak:
    """The largest resident memory of the workers, looked at ten times a second."""

    def __init__(self, product: Product) -> None:
        self.bytes = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, args=[product], daemon=True)

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self, product: Product) -> None:
        workers = product.children("celery", "worker")
        while not self.over.wait(0.1):
            for worker in workers:
                try:
                    self.bytes = max(self.bytes, worker.memory_info().rss)
                except psutil.Error:
                    workers = product.children("celery", "worker")


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    world = generate(days=90, models=40, projects=30, rows=100_000, seed=1, now=int(time.time()), providers=("openai",))
    with FakeProvider(world) as fake, Product(directory / "var", {"TOKENTRA_OPENAI_BASE_URL": fake.url}) as product:
        owner = product.bootstrap()
        wait_for(lambda: product.children("celery", "worker"), 60, "workers run")
        key = world.openai_accounts[0].keys[0].value
        with Peak(product) as peak:
            begun = time.monotonic()
            status, body = owner.call(
                "POST", "/api/providers/connect", {"provider": "openai", "credentials": {"admin_key": key}}
            )
            assert status == 201, body
            answered = time.monotonic() - begun
            connection = f"/api/providers/{body['connection']['id']}"
            wait_for(lambda: Decimal(totals(owner)["cost"]) > 0, 120, "first figures")
            first = time.monotonic() - begun
            wait_for(lambda: owner.get(connection)["status"] == "healthy", 600, "the first window is read")
            last = time.monotonic() - begun
        stored = owner.get(connection)["progress"]["rows"]
    yield Figure("connect: answer with live checks", answered, "s")
    yield Figure("connect to first figures by the API", first, "s", at_most=5)
    yield Figure("connect to last row, 90 days x 40 models x 30 projects", last, "s", at_most=60)
    yield Figure("rows read", stored, "rows")
    yield Figure("peak memory of a worker", peak.bytes / 2**20, "MiB", at_most=300)


def totals(owner: object) -> dict[str, str]:
    today = datetime.now(UTC).date()
    path = f"/api/usage/stats?from={today - timedelta(days=30)}&to={tomorrow(today)}"
    found: dict[str, str] = owner.get(path)["totals"]  # type: ignore[attr-defined]  # an Api
    return found


def tomorrow(day: date) -> date:
    return day + timedelta(days=1)
