"""Cuts a connection that takes too long, whatever it is waiting for."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from typing import Any


class Guard:
    """Cuts the connection when the time is over, also while headers drip in or a handshake hangs."""

    def __init__(self, seconds: float, line: list[socket.socket]) -> None:
        """`line` holds the socket in use, also for the later calls that find it open."""
        self.has_struck = False
        self._line = line
        self._timer = Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """The library's trace hook: it hands over the stream as soon as there is one."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._line[:] = [info["return_value"].get_extra_info("socket")]

    def _strike(self) -> None:
        self.has_struck = True
        for one in self._line:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
