"""The dashboard over millions of rows, beside a tenth of them: one client, warm, both sizes in turn.

Server time is what the application takes (`tests.bench.drawing`); the whole page is what a client of the running
product waits, through gunicorn and a socket. Processor time is beside both, since others may use the machine.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean, median

from tests.bench import calls, driving, ingest
from tests.bench.drawing import Drawer, Drawn
from tests.bench.figures import Figure, percentile
from tests.product import EMAIL, PASSWORD, ROOT, Api, Product

LOOKS = 60
WARM_UP = 10
NEIGHBOURS = 1_000
GOALS = {"30d": 60.0, "90d": 120.0}
QUERIES = 15
RATIO = 1.5
BATCH, CLIENTS, AT_ONCE, AT_MOST = 100, 4, 100_000, 3_000_000  # events
LOADED, LOADED_RATIO = 20, 2.0  # seconds


class Installation:
    """A product that holds so many rows, and what was measured of its pages by period."""

    def __init__(self, product: Product, owner: Api) -> None:
        self.product, self.owner = product, owner
        self.drawer = Drawer(product, "; ".join(f"{cookie.name}={cookie.value}" for cookie in owner.cookies))
        self.drawn: dict[str, list[Drawn]] = {period: [] for period in GOALS}
        self.whole: dict[str, list[float]] = {period: [] for period in GOALS}

    def look(self, period: str) -> None:
        address = f"/dashboard/?period={period}"
        self.drawn[period].append(self.drawer.draw(address))
        begun = time.perf_counter()
        status, _ = self.owner.send("GET", address, headers={"Accept-Encoding": "gzip"})
        self.whole[period].append((time.perf_counter() - begun) * 1000)
        assert status == 200

    def forget(self) -> None:
        for period in GOALS:
            self.drawn[period].clear()
            self.whole[period].clear()


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    """An installation that is in the directory already is used as it is."""
    with ExitStack() as stack:
        sizes = {}
        for size in (rows // 10, rows):
            var = directory / f"var-{size}"
            is_new = not var.exists()
            product = stack.enter_context(Product(var))
            begun = time.monotonic()
            if is_new:
                fill(product, size)
                yield Figure(f"(writing {size:,} rows and {NEIGHBOURS:,} organizations)", time.monotonic() - begun, "s")
            sizes[size] = Installation(product, Api(product.url).sign_in(EMAIL, PASSWORD))
            stack.enter_context(sizes[size].drawer)
        for number in range(WARM_UP + LOOKS):
            if number == WARM_UP:
                for each in sizes.values():
                    each.forget()
            for period in GOALS:
                for each in sizes.values():
                    each.look(period)
        for period, goal in GOALS.items():
            yield from figures(period, goal, *sizes.items())
        sizes[rows // 10].product.stop()  # what its thousand neighbours cost in the background is none of the other's
        yield from while_events_come(sizes[rows])


def figures(
    period: str, goal: float, small: tuple[int, Installation], large: tuple[int, Installation]
) -> Iterator[Figure]:
    (fewer, beside), (more, mine) = small, large
    name = f"dashboard, {period}, {more:,} rows"
    drawn, lesser = mine.drawn[period], beside.drawn[period]
    wall = [each.wall for each in drawn]
    yield Figure(f"{name}: server time, p50", percentile(wall, 0.5), "ms")
    yield Figure(f"{name}: server time, p95", percentile(wall, 0.95), "ms", at_most=goal)
    yield Figure(f"{name}: processor, web process, mean", fmean(each.web for each in drawn), "ms")
    yield Figure(f"{name}: processor, database, mean", fmean(each.database for each in drawn), "ms")
    yield Figure(f"{name}: whole page, p50", percentile(mine.whole[period], 0.5), "ms")
    yield Figure(f"{name}: whole page, p95", percentile(mine.whole[period], 0.95), "ms")
    yield Figure(f"{name}: queries", max(each.queries for each in drawn), "", at_most=QUERIES)
    ratio = percentile(wall, 0.5) / percentile([each.wall for each in lesser], 0.5)
    yield Figure(f"dashboard, {period}, {more:,} over {fewer:,} rows: server time, p50", ratio, "x", at_most=RATIO)
    computed = fmean(map(processor, drawn)) / fmean(map(processor, lesser))
    yield Figure(f"dashboard, {period}, {more:,} over {fewer:,} rows: processor", computed, "x")


def while_events_come(large: Installation) -> Iterator[Figure]:
    """The same page at rest, and while its organization sends half as many events as it could."""
    headers = ingest.key_of(large.owner)
    story = calls.calls(AT_MOST, until=datetime.now(UTC) - timedelta(minutes=5))

    def bodies(events: int) -> list[bytes]:
        return [driving.body(part) for part in ingest.parts(ingest.take(story, events), BATCH)]

    def send(content: list[bytes], pace: float = 0.0) -> driving.Driven:
        return driving.drive(large.product.port, ingest.TRACK, content, headers=headers, clients=CLIENTS, pace=pace)

    send(bodies(AT_ONCE // 10))  # warm: every process has its prices
    halves, loaded, over_rest = [], [], []
    for _ in range(ingest.ROUNDS):  # all of it in turns: the machine is not as fast one minute as in the next
        most, _ = ingest.measured(large.owner, large.product, headers, bodies(AT_ONCE))
        halves.append(AT_ONCE / most.seconds / 2)
        content = bodies(int(halves[-1] * LOADED))
        settle(large)
        at_rest = looked(large, range(LOOKS))
        with ThreadPoolExecutor(1) as beside:
            sending = beside.submit(send, content, halves[-1] / BATCH)
            loaded.append(looked(large, iter(sending.done, True)))
            assert len(sending.result().took) >= len(content), "not all were sent"
        over_rest.append(percentile(loaded[-1], 0.95) / percentile(at_rest, 0.95))
    name = f"dashboard while {median(halves):,.0f} events/s come in, half of the most: server time"
    yield Figure(f"{name}, p50", median(percentile(each, 0.5) for each in loaded), "ms")
    yield Figure("the same, p95", median(percentile(each, 0.95) for each in loaded), "ms")
    yield Figure("the same, p95 over p95 at rest", median(over_rest), "x", at_most=LOADED_RATIO)


def settle(at: Installation) -> None:
    """Nothing that came before is left to be added up or to be tidied up in the background."""
    at.owner.get("/api/auth/me")
    with ingest.session(ingest.postgres_of(at.product)) as own:
        own.execute("VACUUM (ANALYZE)")
        own.execute("CHECKPOINT")


def looked(at: Installation, turns: Iterable[object]) -> list[float]:
    """Server times of the page over thirty days, asked for once each turn."""
    at.forget()
    for _ in turns:
        at.look("30d")
    return [each.wall for each in at.drawn["30d"]]


def processor(drawn: Drawn) -> float:
    return drawn.web + drawn.database


def fill(product: Product, size: int) -> None:
    slug = product.bootstrap().get("/api/auth/me")["organization"]["name"].lower()
    subprocess.run(
        [sys.executable, "-m", "tests.bench.crowd", slug, str(size), str(NEIGHBOURS)],
        cwd=ROOT,
        env=product.env | {"TOKENTRA_DB_ROLE": "worker"},
        check=True,
    )
