"""Where many come at once: who has waited for a free thread for too long is refused, and large requests take turns.

How long somebody waited the system tells: the time since a connection last received something.
"""

import socket
import struct
import sys
import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django.http import HttpRequest

from tokentra.lib.problems import Problem

LONGEST_WAIT = 8.0  # seconds; exporters and SDKs wait for ten
LARGE = 64 * 1024  # bytes; each such request takes megabytes, and two of a process at once are hardly faster
PATIENCE = 1.0  # seconds for which one keeps others waiting, in which all threads have their turn
SINCE_DATA_CAME = 52  # where Linux tells it in tcp_info, in milliseconds


class Place:
    """One holds it while others wait, and none of them longer than until it was held for a while."""

    def __init__(self) -> None:
        self._lock, self._since = threading.Lock(), 0.0

    @contextmanager
    def held(self) -> Generator[None]:
        is_mine = self._lock.acquire(timeout=max(0.0, self._since + PATIENCE - time.monotonic()))
        if is_mine:
            self._since = time.monotonic()
        try:
            yield
        finally:
            if is_mine:
                self._lock.release()


_place = Place()


def in_turn(size: int) -> AbstractContextManager[None]:
    """To be held while the events of a body of so many bytes are in memory."""
    return _place.held() if size > LARGE else nullcontext()


def refuse_late(request: HttpRequest) -> None:
    """Raises a Problem: 503."""
    if waited(request.META.get("gunicorn.socket")) > LONGEST_WAIT:
        sentence = "Too many requests are waiting. Nothing was stored; send it again in a few seconds."
        raise Problem(503, "overloaded", sentence, headers={"Retry-After": "5"})


def waited(line: socket.socket | None) -> float:
    """Seconds; 0 where it cannot be told."""
    if line is None or sys.platform != "linux":
        return 0.0
    try:
        told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, SINCE_DATA_CAME + 4)
    except OSError:
        return 0.0
    return float(struct.unpack_from("=I", told, SINCE_DATA_CAME)[0]) / 1000
