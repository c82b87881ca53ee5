"""Clients whose model calls are methods of theirs, or of what they hold: those are watched one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from tokentra_sdk.usage import Usage, get
from tokentra_sdk.watching import Begin, Reader, Wrapped, watched


def watch_methods(owner: Any, wrapped: Wrapped, begins: Mapping[str, Begin]) -> None:
    """Those that this version of the library has."""
    for name, begin in begins.items():
        method = getattr(owner, name, None)
        if callable(method):
            setattr(owner, name, watched(wrapped, method, begin))


class Newest(Reader):
    """Of a stream whose pieces tell what holds for all of it: the newest of each of these names counts."""

    def __init__(self, whole: Callable[[Any], Optional[Usage]], *names: str, decides: str) -> None:
        """`decides`: once it has come, the usage is known."""
        self.whole, self.names, self.decides = whole, names, decides
        self.seen: dict[str, Any] = {}

    def see(self, piece: Any) -> object:
        for name in (self.decides, *self.names):
            if (value := get(piece, name)) is not None:
                self.seen[name] = value
        self.is_whole = self.decides in self.seen
        return None

    def usage(self) -> Usage | None:
        return self.whole(self.seen) if self.seen else None
