"""Whatever is killed while events come in: each that was acknowledged is kept once and counted once (reliability §3.3)."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.bench import calls
from tests.product import Api, Installed, Product, wait_for
from tokentra.machine import places

TRACK = "/api/usage/track"
VICTIMS = {"web": ("gunicorn",), "postgres": ("postgres", "-D"), "redis": ("valkey", "redis.sock")}
SENDERS, BATCH = 3, 25


class Senders:
    """Programs that keep each event and its id until it was acknowledged, and send it again until then."""

    def __init__(self, product: Product, key: str) -> None:
        self.product, self.key = product, key
        self.story = calls.calls(200_000, until=datetime.now(UTC) - timedelta(minutes=5))
        self.lock, self.over = threading.Lock(), threading.Event()
        self.acknowledged: dict[str, dict] = {}
        self.unsure = 0  # answers that never came: the events may be there, and are sent again
        self.strange: list[tuple[int, bytes]] = []
        self.threads = [threading.Thread(target=self._send, args=[number]) for number in range(SENDERS)]

    def __enter__(self) -> "Senders":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(120)

    def wait_for_more(self, count: int) -> None:
        wanted = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= wanted, 120, f"{count} more events are acknowledged")

    def _send(self, number: int) -> None:
        dice = random.Random(number)
        while not self.over.is_set():
            with self.lock:
                events = list(itertools.islice(self.story, dice.randint(1, BATCH)))
            while not self._is_acknowledged(events):
                time.sleep(0.05)  # as an SDK waits between two tries

    def _is_acknowledged(self, events: list[dict]) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.product.port, timeout=30)
        try:
            connection.request(
                "POST",
                TRACK,
                json.dumps({"events": events}),
                {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.unsure += 1
            return False
        finally:
            connection.close()
        if status == 202:
            told = json.loads(body)
            if told["accepted"] + told["duplicates"] == len(events):
                with self.lock:
                    self.acknowledged |= {event["id"]: event for event in events}
                return True
        if status not in (429, 503):
            self.strange.append((status, body[:300]))
            return True
        return False


class Reader:
    """A person who looks at totals and at customers in turns, so that events are added up by halves all the time."""

    def __init__(self, owner: Api) -> None:
        self.owner, self.over = owner, threading.Event()
        self.statuses: Counter[int] = Counter()
        self.thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Reader":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join(120)

    def _read(self) -> None:
        for path in itertools.cycle(["/dashboard/", "/dashboard/", "/api/customers"]):
            if self.over.is_set():
                return
            with suppress(OSError, http.client.HTTPException):  # the web is gone for a moment
                self.statuses[self.owner.send("GET", path)[0]] += 1


@pytest.fixture(scope="module")
def product(installed: Installed) -> Iterator[Product]:
    with Product(installed()) as running:
        yield running


@pytest.fixture(scope="module")
def owner(product: Product) -> Api:
    return product.bootstrap()


@pytest.fixture(scope="module")
def key(owner: Api) -> str:
    status, made = owner.call(
        "POST", "/api/auth/api-keys", {"name": "storm", "scopes": ["ingest"], "environment": "live"}
    )
    assert status == 201, made
    return made["key"]


def hold(product: Product, senders: Senders) -> None:
    """Everything acknowledged is there once; sums equal events, events equal what was sent."""
    compared = product.manage("audit_rollups")
    with psycopg.connect(
        host=str(places.socket_dir(product.var / "postgres")), user="postgres", dbname="tokentra", autocommit=True
    ) as session:
        rows = session.execute("SELECT id::text, input, output, amount FROM usage_event").fetchall()
        sums = session.execute(
            "SELECT sum(calls), sum(amount) FROM usage_measuredday WHERE dimension = 'all'"
        ).fetchone()
        leases = session.execute("SELECT count(*) FROM pg_prepared_xacts").fetchone()
    kept = {id: (incoming, outgoing) for id, incoming, outgoing, _ in rows}
    assert senders.strange == []
    assert len(rows) == len(kept)
    assert senders.acknowledged.keys() - kept.keys() == set()
    for id, event in senders.acknowledged.items():
        tokens = event["tokens"]
        assert kept[id] == (tokens.get("input") or None, tokens.get("output") or None)
    assert sums == (len(rows), sum((amount or Decimal(0) for *_, amount in rows), Decimal(0)))
    assert leases == (0,)
    assert "events of" not in compared


def storm(product: Product, owner: Api, key: str, kills: list[str]) -> None:
    with Senders(product, key) as senders, Reader(owner) as reader:
        senders.wait_for_more(60)
        for victim in kills:
            killed = set(product.kill(*VICTIMS[victim]))
            wait_for(lambda: {p.pid for p in product.children(*VICTIMS[victim])} - killed, 60, f"{victim} is back")  # noqa: B023
            senders.wait_for_more(60)
        wait_for(lambda: reader.statuses[200] > len(kills), 60, "pages were read on the way")
    assert reader.statuses.keys() <= {200, 503}
    wait_for(product.is_ready, 60, "the web answers")
    hold(product, senders)


@pytest.mark.parametrize("victim", VICTIMS)
def test_s3_3_a_kill_while_events_come_in_loses_and_doubles_nothing(victim, product, owner, key):
    storm(product, owner, key, [victim])


def test_s3_3_a_storm_of_kills_loses_and_doubles_nothing(product, owner, key):
    storm(product, owner, key, ["web", "postgres", "web", "redis", "postgres", "web"])


@pytest.mark.long
def test_s3_3_a_long_storm_loses_and_doubles_nothing(product, owner, key):
    dice = random.Random(1)
    storm(product, owner, key, [dice.choice(list(VICTIMS)) for _ in range(60)])


@pytest.mark.parametrize(
    ("point", "again"), [("track.before_commit", "accepted"), ("track.after_commit", "duplicates")]
)
def test_s3_3_the_web_killed_on_either_side_of_the_commit(point, again, tmp_path, installed):
    """Before it nothing is stored; after it, what was never answered comes again as a duplicate."""
    marks = tmp_path / "marks"
    marks.mkdir()
    with Product(installed(), {"TOKENTRA_CHAOS": point, "TOKENTRA_CHAOS_MARKS": str(marks)}) as product:
        made = product.bootstrap().call(
            "POST", "/api/auth/api-keys", {"name": "points", "scopes": ["ingest"], "environment": "live"}
        )[1]
        event = next(calls.calls(1, until=datetime.now(UTC)))
        headers = {"Authorization": f"Bearer {made['key']}", "Content-Type": "application/json"}

        def send() -> dict | None:
            connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
            try:
                connection.request("POST", TRACK, json.dumps(event), headers)
                return json.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                return None
            finally:
                connection.close()

        first = send()
        answer = wait_for(send, 60, "it is answered")

    assert first is None
    assert answer[again] == 1
