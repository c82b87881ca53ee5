"""A process that dies at a named point of our code, as `kill -9` would end it."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

from django.db import connections

KILLED = 9


def child_that_does(work: Callable[[], object]) -> int:
    """Do the work in a process of its own, which says on stderr why it failed; its pid.

    It opens connections of its own. To leave none of this process's behind is not enough: after a browser test
    Django keeps two sets of them in this thread, with and without a running loop, and a child has no running loop.
    """
    child = os.fork()
    if child == 0:
        try:
            for each in connections.all(initialized_only=True):
                del connections[each.alias]
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def in_a_child(point: str, marks: Path, work: Callable[[], object]) -> int:
    """Do the work in a process of its own that dies at the point; returns the signal that ended it, or 0."""

    def dying() -> None:
        os.environ |= {"TOKENTRA_CHAOS": point, "TOKENTRA_CHAOS_MARKS": str(marks)}
        work()

    _, status = os.waitpid(child_that_does(dying), 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
