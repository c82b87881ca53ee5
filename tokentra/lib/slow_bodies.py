"""Ends requests whose bodies come so slowly that they hold a place which others wait for.

gunicorn reads from a socket for as long as something comes, one byte each second too. Here the reading side of such a
socket is closed, so that the request is answered with 408 and its thread goes on.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

PIECE = 64 * 1024
PIECE_SECONDS = 10.0  # for each piece
BODY_SECONDS = 60.0  # for the whole
LOOKS = 0.5  # seconds between two looks at those that are waited for


class Watch:
    """One thread for a process; it closes what has been read from for too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waited_for: dict[int, tuple[float, socket.socket, Callable[[], None]]] = {}
        self._numbers = count()
        self._any = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def until(self, deadline: float, line: socket.socket, strike: Callable[[], None]) -> Iterator[None]:
        """By `time.monotonic()`."""
        number = next(self._numbers)
        with self._lock:
            if self._thread is None:  # not before: a thread does not survive a fork
                self._thread = threading.Thread(target=self._look, name="slow bodies", daemon=True)
                self._thread.start()
            self._waited_for[number] = (deadline, line, strike)
        self._any.set()
        try:
            yield
        finally:
            with self._lock:
                self._waited_for.pop(number, None)

    def _look(self) -> None:
        while True:
            self._any.wait()
            with self._lock:
                if not self._waited_for:
                    self._any.clear()
                over = [each for each in self._waited_for.values() if each[0] < time.monotonic()]
                for _, line, strike in over:
                    strike()
                    with suppress(OSError):
                        line.shutdown(socket.SHUT_RD)
            time.sleep(LOOKS)


class Body:
    """A request's body that tells whether it came too slowly: `is_late`."""

    def __init__(self, source: Any, line: socket.socket, watch: Watch) -> None:
        self.is_late = False
        self._source, self._line, self._watch = source, line, watch
        self._until = 0.0

    def read(self, size: int | None = None) -> bytes:
        """All that was asked for, or what came until the end or the time was over."""
        parts, left = [], size
        while left is None or left < 0 or left:
            wanted = PIECE if left is None or left < 0 else min(left, PIECE)
            part = self._in_time(self._source.read, wanted)
            parts.append(part)
            if len(part) < wanted:
                break
            if left is not None and left > 0:
                left -= len(part)
        return b"".join(parts)

    def readline(self, size: int | None = None) -> bytes:
        return self._in_time(self._source.readline, size)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        return self.read().splitlines(keepends=True)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _in_time(self, read: Callable[[int | None], bytes], size: int | None) -> bytes:
        now = time.monotonic()
        self._until = self._until or now + BODY_SECONDS
        with self._watch.until(min(self._until, now + PIECE_SECONDS), self._line, self._strike):
            return read(size)

    def _strike(self) -> None:
        self.is_late = True


class InTime:
    """Around a WSGI application: bodies come in time, or the answer is 408 whatever it would have been."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application, self.watch = application, Watch()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        line = environ.get("gunicorn.socket")
        if line is None:
            return self.application(environ, start_response)
        body = environ["wsgi.input"] = Body(environ["wsgi.input"], line, self.watch)

        def answered(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response("408 Request Timeout" if body.is_late else status, headers, *more)

        return self.application(environ, answered)
