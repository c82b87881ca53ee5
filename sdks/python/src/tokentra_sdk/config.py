"""Where to send, with which key, and how much may wait. Arguments win over the environment."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional
from urllib.parse import urlsplit

TRACK = "/api/usage/track"
YES = frozenset(("1", "true", "yes", "on"))
OPEN, CLOSED = "open", "closed"  # what becomes of a call that cannot be checked: it is made, or it is not
LONGEST_BATCH, LARGEST_BATCH = 500, 1024 * 1024


@dataclass(frozen=True)
class Config:
    """`problem` says in one sentence why nothing can be sent, or is empty."""

    url: str
    api_key: str
    problem: str
    spool: Path | None
    environment: str | None = None
    routing: bool = False
    check: str = ""
    check_timeout: float = 0.5  # for which a call waits for its check
    most_delay: float = 30.0  # for which a budget may slow it
    expected_output: int = 1_000  # tokens, of a call that does not say how many may come out
    estimate: Optional[Callable[[str, str, Any], Any]] = None
    most_queued: int = 10_000
    most_bytes: int = 8 * 1024 * 1024
    most_spooled: int = 64 * 1024 * 1024
    every: float = 1.0  # seconds after which even one event is sent
    timeout: float = 10.0  # for one request
    at_exit: float = 2.0  # for sending what is left when the program ends

    @property
    def track(self) -> str:
        return self.url + TRACK


def configured(
    *,
    url: str | None = None,
    api_key: str | None = None,
    environment: str | None = None,
    routing: bool | None = None,
    check: bool | str | None = None,
    check_timeout: float = 0.5,
    most_delay: float = 30.0,
    expected_output: int = 1_000,
    estimate: Callable[[str, str, Any], Any] | None = None,
    spool_directory: str | os.PathLike[str] | bool | None = None,
    every: float = 1.0,
    timeout: float = 10.0,
    at_exit: float = 2.0,
    most_queued: int = 10_000,
    most_bytes: int = 8 * 1024 * 1024,
    most_spooled: int = 64 * 1024 * 1024,
) -> Config:
    """Never raises: a program runs on without us. `spool_directory` False keeps nothing on disk."""
    address = address_of(url or os.environ.get("TOKENTRA_URL") or "")
    key = (api_key or os.environ.get("TOKENTRA_API_KEY") or "").strip()
    return Config(
        url=address,
        api_key=key,
        problem=problem_of(address, key),
        spool=spool_of(address, key, spool_directory),
        environment=environment or os.environ.get("TOKENTRA_ENVIRONMENT") or None,
        check=check_of(os.environ.get("TOKENTRA_CHECK", "") if check is None else check),
        check_timeout=check_timeout,
        most_delay=most_delay,
        expected_output=expected_output,
        estimate=estimate,
        routing=os.environ.get("TOKENTRA_ROUTING", "").lower() in YES if routing is None else routing,
        most_queued=most_queued,
        most_bytes=most_bytes,
        most_spooled=most_spooled,
        every=every,
        timeout=timeout,
        at_exit=at_exit,
    )


def address_of(url: str) -> str:
    address = url.strip().rstrip("/")
    return address[: -len(TRACK)] if address.endswith(TRACK) else address


def check_of(said: bool | str) -> str:
    if isinstance(said, bool):
        return OPEN if said else ""
    wanted = said.strip().lower()
    return OPEN if wanted in YES else wanted if wanted in (OPEN, CLOSED) else ""


def is_disabled() -> bool:
    return os.environ.get("TOKENTRA_DISABLED", "").lower() in YES


def problem_of(address: str, key: str) -> str:
    if is_disabled():
        return "TOKENTRA_DISABLED is set."
    if not address:
        return "Set TOKENTRA_URL to the address of your TokenTra, such as https://tokentra.example.com."
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        return "TOKENTRA_URL is no address: write it as https://tokentra.example.com."
    if not key:
        return "Set TOKENTRA_API_KEY to a key of scope ingest; TokenTra shows it under Settings, API keys."
    if not (key.isascii() and key.isprintable()) or " " in key:
        return "TOKENTRA_API_KEY holds characters that no key has."
    return ""


def spool_of(address: str, key: str, wanted: str | os.PathLike[str] | bool | None) -> Path | None:
    """One directory for each address and key, so that no organization's events go out with another's key."""
    if wanted is False or not address or not key:
        return None
    given = os.environ.get("TOKENTRA_SPOOL_DIR") if wanted is None or wanted is True else os.fspath(wanted)
    try:
        above = Path(given) if given else Path(tempfile.gettempdir()) / f"tokentra-{owner()}"
    except OSError:  # no directory for temporary files at all
        return None
    return above / hashlib.sha256(f"{address}\0{key}".encode("utf-8", "replace")).hexdigest()[:16]


def owner() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"
