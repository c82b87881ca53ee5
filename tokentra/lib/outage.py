"""What is told, and what is passed over, while the database is full or does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, InterfaceError, OperationalError
from psycopg.errors import DiskFull

from tokentra.lib.problems import Problem

OUTAGES = (OperationalError, InterfaceError)


def told(error: Error, *, is_look: bool = False) -> Problem:
    """503 in words for people and programs; nothing of what was sent is stored, and a look sent nothing."""
    if is_full(error):
        sentence = (
            "The database has no room left. Nothing was stored; what is there can still be read. "
            "Send it again once whoever runs TokenTra has made room."
        )
        return Problem(503, "storage_full", sentence, headers={"Retry-After": "60"})
    ending = "Try again in a few seconds." if is_look else "Nothing was stored; send it again in a few seconds."
    sentence = f"The database does not answer. {ending}"
    return Problem(503, "database_unavailable", sentence, headers={"Retry-After": "5"})


@contextmanager
def unless_full() -> Iterator[None]:
    """For a note beside what was asked for: without room for it, reading goes on."""
    try:
        yield
    except OperationalError as error:
        if not is_full(error):
            raise


def is_full(error: BaseException) -> bool:
    return isinstance(error.__cause__, DiskFull)
