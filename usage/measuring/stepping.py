"""Work that is done in steps, one organization after the other in turns, for as long as a task may take."""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum
from time import monotonic
from uuid import UUID

log = logging.getLogger(__name__)
SECONDS = 10  # no step is begun later than this


class Left(IntEnum):
    """What a step left: some of what it looked at, or only others."""

    NOTHING = 0
    OTHERS = 1
    SOME = 2


def step_through(due: Iterable[UUID], step: Callable[[UUID], int]) -> bool:
    """`step` says whether there is more to do for its organization; True when there is more to do at the end.

    One that fails is left for the next time, and costs no other organization its turn.
    """
    until = monotonic() + SECONDS
    waiting = deque(due)
    while waiting and monotonic() < until:
        organization_id = waiting.popleft()
        try:
            if step(organization_id):
                waiting.append(organization_id)
        except Exception:
            log.exception("a step of organization %s failed", organization_id)
    return bool(waiting)
