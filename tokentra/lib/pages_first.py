"""While somebody waits for a page, each process stores and adds up events in turns: as many at once as half of the
processors can do.

Work that nobody looks at would otherwise take what a page needs, in many threads at once. Senders wait for a moment,
and their events come in all the same. A lock on a file marks a page, since the processes of one
machine share its processors; it ends with whoever holds it.
"""

import fcntl
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache

from tokentra.machine import places

LONGEST = 0.25  # seconds: whoever had no turn by then goes on without one
_turns = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // 2))


@contextmanager
def being_made() -> Generator[None]:
    """A page that somebody waits for. Where nobody can be told of it, it is made all the same."""
    try:
        mark = _opened()
    except OSError:
        yield
        return
    try:
        with suppress(OSError):  # someone is just looking
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    finally:
        os.close(mark)


@contextmanager
def giving_way() -> Generator[None]:
    """Work that comes after pages. It has its turn before it opens a transaction: nobody waits for one inside."""
    has_turn = is_one_made() and _turns.acquire(timeout=LONGEST)
    try:
        yield
    finally:
        if has_turn:
            _turns.release()


def is_one_made() -> bool:
    """By any process of this machine."""
    try:
        mark = _opened()
    except OSError:
        return False
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(mark)
    return False


def _opened() -> int:
    """Each time anew: one that two share is one lock."""
    return os.open(_place(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


@cache
def _place() -> str:
    return str(places.socket_dir(places.VAR / "pages"))
