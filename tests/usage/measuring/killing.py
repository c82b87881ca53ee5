"""A worker that is killed at each statement of its work in turn, and another that takes the work up again."""

import os
import signal
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.dying import KILLED, child_that_does
from tests.product import wait_for
from usage.measuring import at_once

OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"""


def killed_everywhere(work: Callable[[], object], then: Callable[[], None]) -> int:
    """Let processes do the work, each killed one statement later than the one before, until one comes to its end.

    `then` looks at what each of them left. Answers how many were killed.
    """
    for statements in count():
        ended = ended_after(statements, work)
        wait_for(is_quiet, 30, "the database has taken back what was not committed", every=0.01)
        then()
        if ended != KILLED:
            assert ended == 0
            return statements
    raise AssertionError


def ended_after(statements: int, work: Callable[[], object]) -> int:
    """The signal that ended a process which may send so many statements; a commit is one."""
    _, status = os.waitpid(child_that_does(lambda: counted(statements, work)), 0)
    if not os.WIFSIGNALED(status):
        assert os.WEXITSTATUS(status) == 0
        return 0
    return os.WTERMSIG(status)


def counted(statements: int, work: Callable[[], object]) -> None:
    left = iter(range(statements))

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def send(*args: Any, **kwargs: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return send

    with pytest.MonkeyPatch.context() as patch:
        connection.ensure_connection()
        for place, name in ((psycopg.Cursor, "execute"), (psycopg.Connection, "commit"), (at_once, "prepared")):
            patch.setattr(place, name, counting(getattr(place, name)))
        work()


def is_quiet() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)
        return bool(cursor.fetchone()[0] == 0)
