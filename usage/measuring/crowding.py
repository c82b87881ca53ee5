"""Where many come at once: who has waited for a free thread for too long is refused, and large requests take turns.

How long somebody waited the system tells: the time since a connection last received something.
"""

import socket
import struct
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from django.http import HttpRequest

from tokentra.lib.problems import Problem

LONGEST_WAIT = 8.0  # seconds; exporters and SDKs wait for ten
LARGE = 64 * 1024  # bytes; each such request takes megabytes, and no process is faster with two of them at once
PATIENCE = 1.0  # seconds, in which all threads have their turn: one that the database keeps keeps nobody else
SINCE_DATA_CAME = 52  # where Linux tells it in tcp_info, in milliseconds

_place = threading.Lock()


@contextmanager
def in_turn(size: int) -> Generator[None]:
    """To be held while the events of a body of so many bytes are in memory; nobody waits long for another."""
    has_place = size > LARGE and _place.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if has_place:
            _place.release()


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
