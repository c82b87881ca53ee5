"""The embedded Postgres for the length of a command: shared by commands, given up to a supervised start."""

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokentra.machine import places, postgres, private_dirs

MARK = "postgres.by-command"  # beside the data: the server was started by a command and ends with the last one


@contextmanager
def borrowed(data: Path) -> Iterator[bool]:
    """Join the server or start one; True when the cluster is new."""
    data.parent.mkdir(parents=True, exist_ok=True)
    mark = data.with_name(MARK)
    with _users(data).open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with data.with_name("postgres.preparing").open("a") as one_at_a_time:
            fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
            is_new = False
            if not postgres.answers(data):
                is_new = postgres.prepare(data)
                mark.touch()
                subprocess.Popen(postgres.program(data), cwd=places.ROOT, start_new_session=True)
                postgres.wait(data)
        try:
            yield is_new
        finally:
            with suppress(BlockingIOError):  # another command still uses it and will be the last
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end(data)


@contextmanager
def handed_over(data: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Keep commands out while the supervised server starts; they join it when it answers."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with _users(data).open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if data.with_name(MARK).exists():
                say("a manage.py command uses the database; waiting for it to finish")
            fcntl.flock(users, fcntl.LOCK_EX)
        _end(data)
        yield


def _users(data: Path) -> Path:
    return data.with_name("postgres.users")


def _end(data: Path) -> None:
    mark = data.with_name(MARK)
    if mark.exists():
        postgres.stop(data)
        private_dirs.remove_for_sockets(data)
        mark.unlink()
