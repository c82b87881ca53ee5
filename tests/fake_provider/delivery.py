"""Answers on their way to the client: as they should be, or cut, dripped, swollen and torn."""

from __future__ import annotations

import gzip
import os
import socket
import struct
from http import HTTPStatus
from threading import Event
from typing import Any

from .wire import Answer

_MIB = 1_048_576


def head(answer: Answer, length: int | None, **more: str) -> bytes:
    """Status line and headers; without a length the body ends with the connection."""
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Odd"
    framing = {"connection": "close"} if length is None else {"content-length": str(length)}
    headers = {"content-type": "application/json", **framing, **answer.headers, **more}
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Delivery:
    """Writes one answer to one connection; every method says whether the connection may live on."""

    def __init__(self, connection: socket.socket, stopping: Event) -> None:
        self._connection = connection
        self._stopping = stopping

    def send(self, answer: Answer) -> bool:
        self._connection.sendall(head(answer, len(answer.body)) + answer.body)
        return True

    def spoilt(self, action: str, options: dict[str, Any], answer: Answer) -> bool:
        method = {
            "reset": self._reset,
            "hang": self._hang,
            "drip": self._drip,
            "truncated": self._truncated,
            "wrong_length": self._wrong_length,
            "huge": self._huge,
            "gzip_bomb": self._gzip_bomb,
        }[action]
        return method(options, answer)

    def _reset(self, options: dict[str, Any], answer: Answer) -> bool:
        """RST instead of an answer, or after so many bytes of it."""
        whole = head(answer, len(answer.body)) + answer.body
        if count := options.get("after_bytes", 0):
            self._connection.sendall(whole[:count])
            self._stopping.wait(0.05)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self._connection.detach())
        return False

    def _hang(self, options: dict[str, Any], answer: Answer) -> bool:
        """Silence for some seconds, then the answer after all if `then_answer`, else the end."""
        self._stopping.wait(options.get("seconds", 30))
        return self.send(answer) if options.get("then_answer") else False

    def _drip(self, options: dict[str, Any], answer: Answer) -> bool:
        """The whole answer, a few bytes at a time."""
        size, pause = options.get("bytes", 1), options.get("every", 0.2)
        self._connection.sendall(head(answer, len(answer.body)))
        for place in range(0, len(answer.body), size):
            self._connection.sendall(answer.body[place : place + size])
            if self._stopping.wait(pause):
                return False
        return True

    def _truncated(self, options: dict[str, Any], answer: Answer) -> bool:
        """JSON that stops in the middle, with a length that fits."""
        kept = answer.body[: options.get("keep", len(answer.body) // 2)]
        return self.send(Answer(answer.status, kept, answer.headers))

    def _wrong_length(self, options: dict[str, Any], answer: Answer) -> bool:
        """A content-length that is `by` bytes off, then the end of the connection."""
        length = max(0, len(answer.body) + options.get("by", 100))
        self._connection.sendall(head(answer, length, connection="close") + answer.body)
        return False

    def _huge(self, options: dict[str, Any], answer: Answer) -> bool:
        """A good answer after very much white space, its length declared or not."""
        mebibytes, is_declared = options.get("mebibytes", 64), options.get("declared", True)
        length = mebibytes * _MIB + len(answer.body)
        self._connection.sendall(head(answer, length if is_declared else None))
        for _ in range(mebibytes):
            self._connection.sendall(b" " * _MIB)
        self._connection.sendall(answer.body)
        return bool(is_declared)

    def _gzip_bomb(self, options: dict[str, Any], answer: Answer) -> bool:
        """The same white space, but small on the wire."""
        packed = gzip.compress(b" " * (options.get("mebibytes", 64) * _MIB) + answer.body, 9)
        self._connection.sendall(head(answer, len(packed), **{"content-encoding": "gzip"}) + packed)
        return True
