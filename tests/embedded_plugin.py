"""A throwaway Postgres and Redis for one run of the tests, up before Django's settings are read.

One cluster serves all xdist workers, each with its own test database. It lives below the system's temporary
directory, has no database named `tokentra`, and ends with the run; what a killed run left is cleared by the next.
"""

import base64
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pytest

from tests.chromium import chromium_path

__all__ = ["chromium_path"]

PREFIX = "tt-tests-"
JOINED = "TOKENTRA_TEST_SERVICES"  # set for xdist's workers, which use the services of the process that started them
FIXED = {
    "TOKENTRA_TESTING": "1",
    "TOKENTRA_DB_ROLE": "app",
    "SECRET_KEY": "a key for tests, long enough for every check that looks at it",
    "TOKENTRA_ENCRYPTION_KEYS": base64.b64encode(b"thirty-two bytes, only for tests").decode(),
    "DJANGO_SETTINGS_MODULE": "tokentra.settings",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
}
READ_BY_SETTINGS = (
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "SENTRY_DSN",
    "PLANS_ENFORCED",
    "TERMS_URL",
    "PRIVACY_URL",
)


class Services:
    """What this process has started: Postgres once for the whole run, a Redis for each process that runs tests."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.lock: IO[str] | None = None

    def start_postgres(self) -> None:
        from tokentra.machine import grants, postgres

        directory = Path(os.environ[JOINED])
        draft = directory / "alive.draft"
        self.lock = draft.open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        draft.rename(directory / "alive")
        data = directory / "postgres"
        postgres.prepare(data, fast=True)
        self._start(postgres.program(data))
        postgres.wait(data)
        grants.prepare_embedded(data)

    def start_redis(self) -> None:
        """Of its own for each worker: the cache counts limits, and every test clears it."""
        from tokentra.machine import places, redis

        data = Path(os.environ[JOINED]) / f"redis-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        redis.prepare(data)
        self._start(redis.program(data))
        redis.wait(data)
        os.environ["REDIS_URL"] = f"unix://{places.socket_dir(data) / 'redis.sock'}"

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGINT)
        for process in self.processes:
            process.wait(30)
        if self.lock:
            remove(Path(os.environ[JOINED]))

    def _start(self, command: list[str]) -> None:
        """In a session of its own, so that ctrl-C ends the tests first and the services after them."""
        with (Path(os.environ[JOINED]) / "services.log").open("ab") as lines:
            self.processes.append(subprocess.Popen(command, start_new_session=True, stdout=lines, stderr=lines))


def remove(directory: Path) -> None:
    """End what still runs below the directory and forget it."""
    from tokentra.machine import places, postgres, redis

    postgres.stop(directory / "postgres")
    for data in directory.glob("redis-*"):
        redis.stop(data)
    for data in directory.iterdir():
        shutil.rmtree(places.socket_dir(data), ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


def clear_stale() -> None:
    """Directories whose lock nobody holds belong to runs that were killed."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            lock = (directory / "alive").open("r")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # being made, or alive
        with lock:
            remove(directory)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    if not os.environ.get(JOINED):
        for name in [name for name in os.environ if name in READ_BY_SETTINGS or name.startswith("TOKENTRA_")]:
            del os.environ[name]
        directory = tempfile.mkdtemp(prefix=PREFIX)
        os.environ |= FIXED | {
            "TOKENTRA_VAR": directory,
            JOINED: directory,
        }  # before anything of ours is imported
        clear_stale()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        services.start_postgres()
    services.start_redis()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    services.stop()


services = Services()
