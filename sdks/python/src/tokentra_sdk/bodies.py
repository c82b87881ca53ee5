"""Bodies that a program reads itself: what it reads is seen along with it, and never read ahead of it."""

from __future__ import annotations

import types
import weakref
from typing import Any, Callable, Optional

from tokentra_sdk.calls import Call
from tokentra_sdk.usage import Usage

# Of what is read a second time: reading more would keep the program waiting.
LARGEST = 128 * 1024
WATCH = "_tokentra_body"
Whole = Callable[[Optional[bytes]], Optional[Usage]]


def watch_body(body: Any, call: Call, whole: Whole, length: int | None) -> None:
    """`whole` reads the usage of all that came, or of None where a program left the body, or it is too large."""
    try:
        body.__class__ = watching(type(body))
    except TypeError:
        call.succeeded(whole(None))
        return
    watch = Watch(call, whole, length)
    body.__dict__[WATCH] = watch
    weakref.finalize(body, watch.left)


class Watch:
    """What has been read of one body."""

    def __init__(self, call: Call, whole: Whole, length: int | None) -> None:
        self.call, self.whole, self.length = call, whole, length
        self.pieces: list[bytes] = []
        self.size = 0

    def came(self, piece: bytes, is_end: bool) -> None:
        self.size += len(piece)
        if self.size <= LARGEST:
            self.pieces.append(piece)
        if is_end or (self.length is not None and self.size >= self.length):
            self._ended()

    def _ended(self) -> None:
        if not self.call.is_ended:
            read = b"".join(self.pieces) if self.size <= LARGEST else None
            self.pieces = []
            self.call.succeeded(self.whole(read))

    def left(self) -> None:
        if not self.call.is_ended:
            self.call.sdk.safely(lambda: self.call.succeeded(self.whole(None)))

    def failed(self, error: BaseException) -> None:
        self.call.sdk.safely(self.call.failed, error)


_watching: dict[type, type] = {}


def watching(kind: type) -> type:
    """The class of a body, with its ways to read and close it watched."""
    if kind not in _watching:
        named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        ways = {"read": reading(kind), "close": closing(kind), **named}
        _watching[kind] = types.new_class(kind.__name__, (kind,), exec_body=lambda space: space.update(ways))
    return _watching[kind]


def reading(kind: Any) -> Callable[..., Any]:
    def read(self: Any, amt: int | None = None, *rest: Any) -> Any:
        watch: Watch = self.__dict__[WATCH]
        try:
            piece = kind.read(self, amt, *rest)
        except BaseException as error:
            watch.failed(error)
            raise
        watch.call.sdk.safely(watch.came, piece, amt is None or amt < 0 or (not piece and amt > 0))
        return piece

    return read


def closing(kind: Any) -> Callable[..., Any]:
    def close(self: Any) -> None:
        try:
            kind.close(self)
        finally:
            if WATCH in self.__dict__:
                self.__dict__[WATCH].left()

    return close
