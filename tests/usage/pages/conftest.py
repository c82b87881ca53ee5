"""A fixed afternoon for every page, and the people who look at it."""

from collections.abc import Iterator

import pytest
import time_machine

from accounts.models import Organization, User
from tests.conftest import Browser
from tests.usage.pages.accounts_read import NOW


@pytest.fixture(autouse=True)
def _afternoon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def alices(acme: Organization, alice: User) -> Browser:
    return Browser(alice)


@pytest.fixture
def mallorys(elsewhere: Organization, mallory: User) -> Browser:
    return Browser(mallory)
