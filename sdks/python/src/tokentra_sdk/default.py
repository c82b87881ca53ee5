"""The one TokenTra that most programs have: `observe` sets it, and the module's functions use it."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

from tokentra_sdk import instrumenting
from tokentra_sdk.client import TokenTra

T = TypeVar("T")

_lock = threading.Lock()
_default: TokenTra | None = None


def observe(url: str | None = None, api_key: str | None = None, *, instrument: bool = True, **options: Any) -> TokenTra:
    """Report every model call from here on. Call it once, before clients are made.

    Clients that are made later, of libraries that are imported now or later, are wrapped by themselves; with
    `instrument=False` only those given to `wrap`. Options are those of TokenTra. Called again, it replaces what was
    set before.
    """
    global _default  # one for the program
    made = TokenTra(api_key, url, **options)
    with _lock:
        before, _default = _default, made
    if before is not None:
        before.follow(made)
    if instrument:
        made.safely(instrumenting.begin, default)
    return made


def default() -> TokenTra:
    """The one that was observed with, else one made of the environment."""
    global _default  # noqa: PLW0603  # as above
    with _lock:
        if _default is None:
            _default = TokenTra()
        return _default


def wrap(client: T, *, provider: str | None = None) -> T:
    """The same client, whose calls are reported from now on; `provider` where its address does not tell."""
    return default().wrap(client, provider=provider)


def record(**said: Any) -> str:
    """Report a call that no wrapped client made; arguments as of `TokenTra.record`."""
    return default().record(**said)


def flush(timeout: float = 5.0) -> bool:
    """Send what waits now. Whether all of it was taken within `timeout` seconds."""
    return default().flush(timeout)


def close(timeout: float = 5.0) -> None:
    """Flush, and keep on disk what cannot be sent. Happens by itself at the end of a program."""
    default().close(timeout)


def stats() -> dict[str, Any]:
    """Events recorded, sent, waiting, on disk, and lost by reason, of this process; and the last trouble."""
    return default().stats()
