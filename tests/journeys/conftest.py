"""The product, a fake provider beside it, and a browser in front."""

import fcntl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_provider import FakeProvider, World, example_world
from tests.product import Installed, Product


@pytest.fixture(scope="module")
def world() -> World:
    return example_world(int(time.time()))


@pytest.fixture(scope="module")
def fake(world: World) -> Iterator[FakeProvider]:
    with FakeProvider(world) as server:
        yield server


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Installed:
    """Makes directories of a product that was started once and ended: most of a first start is making its database.

    The one that they are copies of serves all processes of a run.
    """
    first = tmp_path_factory.getbasetemp().parent / f"installed-{testrun_uid}"
    first.mkdir(exist_ok=True)
    with (first / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (first / "done").exists():
            with Product(first / "var"):
                pass
            (first / "var" / "product.log").unlink()
            (first / "done").touch()

    def copy() -> Path:
        var = tmp_path_factory.mktemp("product") / "var"
        subprocess.run(["cp", "-a", first / "var", var], check=True)
        return var

    return copy


@pytest.fixture(scope="module")
def product(fake: FakeProvider, installed: Installed) -> Iterator[Product]:
    addresses = {"TOKENTRA_OPENAI_BASE_URL": fake.url, "TOKENTRA_ANTHROPIC_BASE_URL": fake.url}
    with Product(installed(), addresses) as running:
        yield running
