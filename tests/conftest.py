"""The cast, the database's roles and the browser that tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from uuid import UUID

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop running in the main thread

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client
from django.test.testcases import LiveServerThread
from django.test.utils import setup_databases
from hypothesis import HealthCheck, settings
from playwright.sync_api import expect

from accounts.journal import milestone_reached
from accounts.models import Organization, User
from accounts.permissions import Role
from onboarding.guidance import noticing
from tests import copied_database, make
from tests.product import wait_for
from tests.served import Serving
from tests.sparing import spare
from tokentra.lib.tenancy import organization_scope

# How fast a busy machine draws examples says nothing about the code. Each run draws the same ones, so that a change
# is never refused for what was there before it; `--hypothesis-profile=searching` draws others.
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("settled", settings.get_profile("searching"), derandomize=True)
settings.load_profile("settled")

PATIENCE = 60_000  # milliseconds that a browser waits; machines that test are busy
expect.set_options(timeout=PATIENCE)

LiveServerThread.server_class = Serving  # type: ignore[attr-defined]  # not in the stubs

ALIASES = ["default", "owner", "staff"]
ROOT = Path(__file__).resolve().parent.parent
WAITING = "journeys"


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        mark = item.get_closest_marker("django_db")
        names = set(getattr(item, "fixturenames", ()))
        if mark or {"db", "transactional_db", "live_server"} & names:
            kwargs = (mark.kwargs if mark else {}) | {"databases": ALIASES}
            if "live_server" in names:
                kwargs["transaction"] = True
            item.add_marker(pytest.mark.django_db(**kwargs), append=False)
    yield  # what others put in order within a file stays so
    items[:] = list(spread(items))


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What is loaded stays, and to look through all of it for garbage again and again takes a good part of a run."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def spread(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Files whose tests mostly wait for programs of their own lie evenly among the others, and none comes last."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting = [path for path in files if WAITING in path.parts]
    others = [path for path in files if WAITING not in path.parts]
    share = len(others) // (len(waiting) + 1) or 1
    for number, path in enumerate(others):
        if number % share == 0 and waiting:
            yield from files[waiting.pop(0)]
        yield from files[path]
    for path in waiting:
        yield from files[path]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Bodies act as tt_app, or as tt_worker where a test says so."""
    role = "tt_worker" if item.get_closest_marker("worker") else "tt_app"
    default = connections["default"]
    if default.settings_dict["USER"] != role:
        default.close()
        default.settings_dict["USER"] = role


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[None]:
    with django_db_blocker.unblock(), copied_database.turn():  # type: ignore[attr-defined]  # pytest-django's blocker
        copied = copied_database.fetch()
        setup_databases(verbosity=0, interactive=False, serialized_aliases=(), keepdb=copied)
        if not copied:
            copied_database.offer()
    assert all(c.settings_dict["NAME"].startswith("test_") for c in connections.all())
    with pytest.MonkeyPatch.context() as patch:
        spare(patch)
        yield


@pytest.fixture(autouse=True)
def quick_passwords(settings: pytest.FixtureRequest) -> None:
    """The real hash takes a third of a second, for each person of each test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]  # pytest-django


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    """Limits are counted in the cache; every test begins with none used up."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def uptime(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds by which a process forgets what it keeps to itself; travels in time leave them as they are."""
    now = [monotonic()]
    monkeypatch.setattr("tokentra.lib.cache.monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def _scopes_ended() -> Iterator[None]:
    """A transaction that a test leaves open (a streamed answer that nobody read) fails that test, not a later one."""
    before = open_blocks()
    yield
    assert open_blocks() == before, "still in a transaction: was a streamed answer neither read nor closed?"


def open_blocks() -> dict[str, int]:
    return {c.alias: c.in_atomic_block + len(c.savepoint_ids) for c in connections.all() if c.in_atomic_block}


@pytest.fixture(autouse=True)
def _served_to_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a closed browser has still asked for is answered before its tables are emptied: not only its statements,
    but also what comes between them and after them."""
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")
    server = request.getfixturevalue("live_server").thread.httpd
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()
    wait_for(lambda: server.is_quiet, 60, "the server has answered what it was asked")


@pytest.fixture
def alice(db: None) -> User:
    return make.user("alice@acme.example", full_name="Alice Ames")


@pytest.fixture
def acme(alice: User) -> Organization:
    return make.organization("Acme", owner=alice)


@pytest.fixture
def bob(acme: Organization) -> User:
    return make.member(acme, "bob@acme.example", Role.MEMBER)


@pytest.fixture
def mallory(db: None) -> User:
    return make.user("mallory@elsewhere.example", full_name="Mallory Moss")


@pytest.fixture
def elsewhere(mallory: User) -> Organization:
    return make.organization("Elsewhere", owner=mallory)


@pytest.fixture
def in_acme(acme: Organization) -> Iterator[UUID]:
    """The body runs inside Acme's scope."""
    with organization_scope(acme.pk):
        yield acme.pk


@pytest.fixture
def browser_of(client: Client) -> "type[Browser]":
    return Browser


class Browser(Client):
    """A test client that is signed in as somebody."""

    def __init__(self, user: User | None = None, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # passed on as they are
        if user:
            self.force_login(user, backend="django.contrib.auth.backends.ModelBackend")


@pytest.fixture
def without_guidance() -> Iterator[None]:
    """Nothing follows from first occurrences: for tests that count every line of the journal."""
    milestone_reached.disconnect(dispatch_uid="guidance")
    yield
    noticing.listen()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    from tests.embedded_plugin import chromium_path

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    return browser_type_launch_args | {
        "executable_path": chromium_path(),
        "args": [*quiet, "--disable-component-update", "--disable-sync"],
    }
