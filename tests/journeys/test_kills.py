"""kill -9 anywhere while a provider is read: nothing is lost and nothing is counted twice (reliability §3.3)."""

import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPException
from threading import Event, Thread

import pytest

from tests.fake_provider import FakeProvider, World, generate
from tests.journeys import oracle
from tests.product import Api, Installed, Product, wait_for

VICTIMS = {
    "worker": ("celery", "worker"),
    "redis": ("valkey", "redis.sock"),
    "postgres": ("postgres", "-D"),
    "web": ("gunicorn",),
    "beat": ("celery", "beat"),
}


def seen_meanwhile(connection: str) -> tuple[str, ...]:
    return "/readyz", f"/api/providers/{connection}", f"/providers/{connection}/", "/dashboard/"


class Watch:
    """Asks for the same addresses over and over, and notes every answer that is neither 200 nor 503.

    That nobody answers at all is noted in `refused`: an address may be unreachable, but never wrong.
    """

    def __init__(self, api: Api, *paths: str) -> None:
        self.api, self.paths = api, paths
        self.odd: list[tuple[str, int]] = []
        self.refused = 0
        self.rounds: list[bool] = []  # whether all was answered with 200
        self._over = Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(120)

    def has_seen_all_again(self) -> bool:
        """In the latest three rounds."""
        return len(self.rounds) >= 3 and all(self.rounds[-3:])

    def _look(self) -> None:
        while not self._over.wait(0.2):
            answered = [self._answers(path) for path in self.paths]
            self.rounds.append(all(answered))

    def _answers(self, path: str) -> bool:
        try:
            status, _ = self.api.send("GET", path)
        except (OSError, HTTPException):
            self.refused += 1
            return False
        if status not in (200, 503):
            self.odd.append((path, status))
        return status == 200


@pytest.fixture(scope="module")
def world() -> World:
    return generate(days=90, models=6, projects=4, rows=3_000, now=int(time.time()), providers=("openai",))


@pytest.fixture(scope="module")
def product(fake: FakeProvider, installed: Installed) -> Iterator[Product]:
    """With a short lease, so that what a killed worker held is soon taken over."""
    short = {"TOKENTRA_OPENAI_BASE_URL": fake.url, "TOKENTRA_LEASE_SECONDS": "25"}
    with Product(installed(), short) as running:
        yield running


@pytest.fixture(scope="module")
def owner(product: Product) -> Api:
    return product.bootstrap()


@pytest.fixture(scope="module")
def connection(owner: Api, world: World, product: Product) -> str:
    """Connected, and a worker killed at once, while the first windows are being read."""
    wait_for(lambda: product.children("celery", "worker"), 60, "workers run")
    status, body = owner.call(
        "POST",
        "/api/providers/connect",
        {"provider": "openai", "credentials": {"admin_key": world.openai_accounts[0].key}},
    )
    assert status == 201, body
    product.kill(*VICTIMS["worker"])
    return str(body["connection"]["id"])


def test_s3_3_a_worker_killed_in_the_first_read_loses_and_doubles_nothing(product, owner, connection, world):
    oracle.hold(product, owner, "openai", connection, world.openai_accounts[0])


# a worker killed again and the scheduler are in the long set: the first read above has lost its worker already
@pytest.mark.parametrize(
    "victim", ["redis", "postgres", "web", *(pytest.param(v, marks=pytest.mark.long) for v in ("worker", "beat"))]
)
def test_s3_3_a_kill_while_everything_is_read_again_loses_and_doubles_nothing(
    victim, product, owner, connection, world, fake: FakeProvider
):
    account = world.openai_accounts[0]
    account.usage[:] = [replace(fact, text_out=fact.text_out + 7) for fact in account.usage]
    asked = len(fake.requests)
    assert owner.call("POST", f"/api/providers/{connection}/sync")[0] == 202
    wait_for(lambda: len(fake.requests) > asked + 3, 60, "reading has begun again")

    with Watch(owner, *seen_meanwhile(connection)) as watch:
        killed = set(product.kill(*VICTIMS[victim]))

        wait_for(lambda: {p.pid for p in product.children(*VICTIMS[victim])} - killed, 60, f"{victim} is started again")
        wait_for(product.is_ready, 60, "the web answers")
        wait_for(watch.has_seen_all_again, 60, "pages and programs are answered")
    assert watch.odd == []
    oracle.hold(product, owner, "openai", connection, account)


@pytest.mark.long
def test_s3_3_everything_killed_at_once_loses_and_doubles_nothing(
    product, owner, connection, world, fake: FakeProvider
):
    account = world.openai_accounts[0]
    account.usage[:] = [replace(fact, text_out=fact.text_out + 7) for fact in account.usage]
    asked = len(fake.requests)
    assert owner.call("POST", f"/api/providers/{connection}/sync")[0] == 202
    wait_for(lambda: len(fake.requests) > asked + 3, 60, "reading has begun again")

    with Watch(owner, *seen_meanwhile(connection)) as watch:
        killed = product.kill_all()
        wait_for(lambda: watch.refused, 30, "nobody answers")
        product.start()
        wait_for(watch.has_seen_all_again, 60, "pages and programs are answered")

    lines = killed.values()
    for words in (*VICTIMS.values(), ("supervise",)):
        assert [line for line in lines if all(word in line for word in words)], words
    assert watch.odd == []
    oracle.hold(product, owner, "openai", connection, account)
