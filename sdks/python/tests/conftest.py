"""A TokenTra and model servers on this machine, and an SDK between them."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import shapes_bedrock  # noqa: F401  # what the models answer stands in these
import shapes_google  # noqa: F401
import shapes_others  # noqa: F401
from answering import Models, answering
from taking import Taken, taking
from tokentra_sdk import TokenTra
from tokentra_sdk.sender import senders

KEY = "tt_test_generated"


@pytest.fixture(autouse=True)
def _no_running_loop() -> Iterator[None]:
    """A browser test of the same process leaves its loop running in this thread."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture(autouse=True)
def _senders_end() -> Iterator[None]:
    """One that is still there when the program ends tells what was lost, to a log that is closed by then."""
    yield
    for sender in [*senders]:
        sender.close(0)
        senders.discard(sender)


@pytest.fixture
def tokentra() -> Iterator[Taken]:
    with taking() as taken:
        yield taken


@pytest.fixture(scope="session", autouse=True)
def _libraries_are_no_garbage() -> Iterator[None]:
    """They are large, and `sent` collects garbage often."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def _models() -> Iterator[Models]:
    with answering() as models:
        yield models


@pytest.fixture
def models(_models: Models) -> Models:
    _models.asked.clear()
    return _models


@pytest.fixture
def sdk(tokentra: Taken, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenTra]:
    for name in (
        "TOKENTRA_URL",
        "TOKENTRA_API_KEY",
        "TOKENTRA_ENVIRONMENT",
        "TOKENTRA_SPOOL_DIR",
        "TOKENTRA_DISABLED",
        "TOKENTRA_ROUTING",
        "TOKENTRA_CHECK",
    ):
        monkeypatch.delenv(name, raising=False)
    made = TokenTra(KEY, tokentra.url, every=0.02, spool_directory=tmp_path / "spool", timeout=5.0)
    yield made
    made.close(2.0)


@pytest.fixture
def sent(sdk: TokenTra, tokentra: Taken) -> Callable[[], list[dict[str, Any]]]:
    """What TokenTra holds once all that was recorded is sent, in the order of the calls."""

    def sent() -> list[dict[str, Any]]:
        gc.collect()
        assert sdk.flush(10.0), sdk.stats()
        assert sdk.stats()["lost"] == {}
        return sorted(tokentra.events.values(), key=lambda event: event["id"])

    return sent


@pytest.fixture
def one(sent: Callable[[], list[dict[str, Any]]]) -> Callable[[], dict[str, Any]]:
    def one() -> dict[str, Any]:
        [event] = sent()
        return event

    return one
