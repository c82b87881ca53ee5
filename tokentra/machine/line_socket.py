"""A connection's socket that calls the system as seldom as it can: at each call another thread goes first.

How long it may wait is settled when it would wait, and the head of an answer goes out with what follows it.
"""

import socket
import struct
import time
from contextlib import suppress
from typing import Any


class LineSocket(socket.socket):
    """Takes the place of one that was accepted; `within` seconds a piece of an answer is taken by the other side."""

    def __init__(self, accepted: socket.socket, *, within: float) -> None:
        super().__init__(fileno=accepted.detach())
        self._within = within
        self._holds_next, self._held = False, b""
        self._wanted = self._settled = super().gettimeout()
        seconds, rest = divmod(within, 1)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(seconds), int(rest * 1e6)))

    def gettimeout(self) -> float | None:
        return self._wanted

    def settimeout(self, value: float | None) -> None:
        self._wanted = value

    def setblocking(self, flag: bool) -> None:
        self._wanted = None if flag else 0.0

    def recv(self, *args: Any) -> bytes:
        self._settle()
        return super().recv(*args)

    def hold_next(self) -> None:
        """What is sent next is the head of an answer."""
        self._holds_next = True

    def flush(self) -> None:
        """Send a head that nothing followed; what comes next is none."""
        self._holds_next = False
        if self._held and self.fileno() >= 0:
            self.sendall(b"")

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Raises TimeoutError where it is not taken in time, BlockingIOError where it may not wait."""
        if self._holds_next:
            self._holds_next, self._held = False, bytes(data)
            return
        self._settle()
        left, self._held = memoryview(self._held + data if self._held else data), b""
        until = time.monotonic() + self._within
        while left:
            if time.monotonic() > until:
                raise TimeoutError("the answer was not taken in time")
            try:
                left = left[self.send(left, flags) :]
            except BlockingIOError:
                if self._wanted == 0:
                    raise
                raise TimeoutError("nothing of the answer was taken in time") from None

    def shutdown(self, how: int) -> None:
        if how != socket.SHUT_RD:  # that one may come from another thread
            with suppress(OSError):
                self.flush()
        super().shutdown(how)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        self.flush()
        before, self._wanted = self._wanted, self._within
        try:
            self._settle()
            return super().sendfile(file, offset, count)
        finally:
            self._wanted = before

    def _settle(self) -> None:
        if self._settled != self._wanted:
            super().settimeout(self._wanted)
            self._settled = self._wanted
