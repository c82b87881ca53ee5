"""The example world, served."""

from collections.abc import Iterator

import pytest

from tests.fake_provider import FakeProvider, example_world

from .reading import NOW


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(example_world(NOW)) as provider:
        yield provider
