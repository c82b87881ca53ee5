"""A process that dies at a named point of our code, as `kill -9` would end it."""

import os
from collections.abc import Callable
from pathlib import Path

from django.db import connections

KILLED = 9


def in_a_child(point: str, marks: Path, work: Callable[[], object]) -> int:
    """Do the work in a process of its own that dies at the point; returns the signal that ended it."""
    for each in connections.all():
        each.close()
    child = os.fork()
    if child == 0:
        os.environ |= {"TOKENTRA_CHAOS": point, "TOKENTRA_CHAOS_MARKS": str(marks)}
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
