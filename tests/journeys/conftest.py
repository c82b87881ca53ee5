"""The product, a fake provider beside it, and a browser in front."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_provider import FakeProvider, World, example_world
from tests.product import Product


@pytest.fixture(scope="module")
def world() -> World:
    return example_world(int(time.time()))


@pytest.fixture(scope="module")
def fake(world: World) -> Iterator[FakeProvider]:
    with FakeProvider(world) as server:
        yield server


@pytest.fixture(scope="module")
def product(fake: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    var: Path = tmp_path_factory.mktemp("product")
    addresses = {"TOKENTRA_OPENAI_BASE_URL": fake.url, "TOKENTRA_ANTHROPIC_BASE_URL": fake.url}
    with Product(var, addresses) as running:
        yield running
