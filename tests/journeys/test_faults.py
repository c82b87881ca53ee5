"""The running product without room on its disk, without a free session, with a worker that sleeps (reliability §3.3, §3.5).

Each has a quick form beside the workflow: tests/test_outage.py and tests/providers/test_disorder.py.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.fake_provider import FakeProvider, World, generate
from tests.journeys import oracle
from tests.product import Api, Product, wait_for
from tokentra.machine import places

pytestmark = pytest.mark.long

CONNECT = "/api/providers/connect"


@pytest.fixture(scope="module")
def world() -> World:
    return generate(days=90, models=6, projects=4, rows=3_000, now=int(time.time()), providers=("openai",))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own where we may mount one, else a directory."""
    place = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=500m,mode=755", "tmpfs", str(place)]
    is_small = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield place
    if is_small:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def product(fake: FakeProvider, disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Its database and its queue on the small disk; its log elsewhere, so that it can tell."""
    (disk / "var").mkdir()
    (disk / "var" / "product.log").symlink_to(tmp_path_factory.mktemp("log") / "product.log")
    settings = {
        "TOKENTRA_OPENAI_BASE_URL": fake.url,
        "TOKENTRA_LEASE_SECONDS": "25",
        "TOKENTRA_SILENCE_SECONDS": "600",  # who sleeps here is left to wake up
    }
    with Product(disk / "var", settings) as running:
        yield running


@pytest.fixture(scope="module")
def owner(product: Product) -> Api:
    return product.bootstrap()


@pytest.fixture(scope="module")
def connection(owner: Api, world: World, product: Product) -> str:
    key = world.openai_accounts[0].key
    status, body = owner.call("POST", CONNECT, {"provider": "openai", "credentials": {"admin_key": key}})
    assert status == 201, body
    pk = str(body["connection"]["id"])
    oracle.hold(product, owner, "openai", pk, world.openai_accounts[0])
    return pk


def as_superuser(product: Product) -> "psycopg.Connection[tuple[object, ...]]":
    host = str(places.socket_dir(product.var / "postgres"))
    return psycopg.connect(host=host, user="postgres", dbname="tokentra", autocommit=True)


def revise(world: World) -> None:
    account = world.openai_accounts[0]
    account.usage[:] = [replace(fact, text_out=fact.text_out + 7) for fact in account.usage]


def whoever_reads(product: Product, fake: FakeProvider) -> psutil.Process | None:
    """The worker that is connected to the provider at this moment."""
    for process in product.children("celery", "worker"):
        with suppress(psutil.Error):
            if any(each.raddr and each.raddr.port == fake.port for each in process.net_connections("inet")):
                return process
    return None


def is_heard(product: Product, worker: psutil.Process) -> bool:
    """It does one thing after the other: its heartbeat of this moment comes after whatever it did before."""
    name = re.search(r"(worker\d+)@", " ".join(worker.cmdline()))
    assert name
    with as_superuser(product) as superuser:
        heard = "SELECT 1 FROM accounts_heartbeat WHERE worker = %s AND at > clock_timestamp() - interval '2 s'"
        return superuser.execute(heard, [name[1]]).fetchone() is not None


def test_s3_5_sigstop_a_worker_that_sleeps_past_its_lease_is_passed_by_and_writes_nothing(
    product: Product, owner: Api, connection: str, world: World, fake: FakeProvider
):
    account = world.openai_accounts[0]
    account.settings.latency = 0.5
    revise(world)
    assert owner.call("POST", f"/api/providers/{connection}/sync")[0] == 202
    sleeper = wait_for(lambda: whoever_reads(product, fake), 30, "a worker reads")
    sleeper.suspend()
    account.settings.latency = 0
    revise(world)  # what it holds in its hands is not true any more
    asked = len(fake.requests)

    try:
        wait_for(lambda: len(fake.requests) > asked, 50, "another worker has taken over when the lease was over")
        oracle.hold(product, owner, "openai", connection, account)
    finally:
        sleeper.resume()

    wait_for(lambda: is_heard(product, sleeper), 60, "it is done with what it held")
    oracle.hold(product, owner, "openai", connection, account)


def test_s3_5_pool_exhausted_is_503_for_those_who_come_and_over_when_others_leave(
    product: Product, owner: Api, connection: str, world: World
):
    with ExitStack() as sessions:
        host = str(places.socket_dir(product.var / "postgres"))

        def take_all() -> bool:
            try:
                while True:
                    sessions.enter_context(psycopg.connect(host=host, user="tt_app", dbname="tokentra"))
            except psycopg.OperationalError:
                return True

        take_all()
        for web in product.children("gunicorn"):
            if not web.children():  # with the sessions that it had open
                web.kill()

        def refused() -> bool:
            take_all()
            status, body = Api(product.url).call("POST", "/api/auth/login", {"email": "a@b.example", "password": "x"})
            return status == 503 and body["error"]["code"] == "database_unavailable"

        wait_for(refused, 60, "who comes is told to come back")

    wait_for(product.is_ready, 60, "the database lets in again")
    assert owner.call("POST", f"/api/providers/{connection}/sync")[0] == 202
    oracle.hold(product, owner, "openai", connection, world.openai_accounts[0])


def test_s3_3_disk_full_reads_go_on_and_it_recovers_by_itself(
    product: Product, owner: Api, connection: str, world: World, disk: Path
):
    if not disk.is_mount():
        pytest.skip("only root may mount a small disk; tests/test_outage.py has the quick form")
    with as_superuser(product) as superuser:
        for _ in range(3):  # room for the log of what is written next; without it Postgres stops
            superuser.execute("SELECT pg_switch_wal()")
            superuser.execute("CHECKPOINT")
    before = oracle.totals(owner, "openai", "billed")
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()

    try:
        path = f"/api/providers/{connection}"
        refused: set[str] = set()
        for _ in range(2_000):
            for act in ("pause", "resume"):
                status, body = owner.call("POST", f"{path}/{act}")
                if status != 200:
                    refused.add(f"{status} {body['error']['code']}")
            if refused:
                break
        assert refused == {"503 storage_full"}
        assert oracle.totals(owner, "openai", "billed") == before
        assert owner.send("GET", "/dashboard/")[0] == 200
        assert product.is_ready()
    finally:
        filler.unlink()

    wait_for(lambda: owner.call("POST", f"{path}/resume")[0] == 200, 60, "there is room again")
    revise(world)
    assert owner.call("POST", f"{path}/sync")[0] == 202
    oracle.hold(product, owner, "openai", connection, world.openai_accounts[0])
