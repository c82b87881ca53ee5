"""Refuses what has waited for a free thread for so long that its sender has given it up: all others go on.

How long that was the system tells: the time since a connection last received something.
"""

import socket
import struct
import sys

from django.http import HttpRequest

from tokentra.lib.problems import Problem

LONGEST_WAIT = 8.0  # seconds; exporters and SDKs wait for ten
SINCE_DATA_CAME = 52  # where Linux tells it in tcp_info, in milliseconds


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
