"""How many connections each web process holds, so that none takes most of them while another one idles.

All of them are told of a new connection, and the quickest takes it. Kept open, it stays there, and one process answers
late long before the machine is busy.
"""

import mmap
import time

PLACES = 64  # more than there are processes at once
LIVE = 3.0  # seconds: who has said nothing since is gone, or stands still

_shared = memoryview(mmap.mmap(-1, PLACES * 16)).cast("d")  # made before they are forked: two numbers for each


class Held:
    """What one process says of itself and reads of the others."""

    def __init__(self, number: int) -> None:
        self._mine = number % PLACES * 2

    def say(self, count: int) -> None:
        _shared[self._mine], _shared[self._mine + 1] = count, time.monotonic()

    def has_more_than_another(self, count: int) -> bool:
        since = time.monotonic() - LIVE
        return any(
            _shared[place + 1] > since and _shared[place] < count
            for place in range(0, PLACES * 2, 2)
            if place != self._mine
        )
