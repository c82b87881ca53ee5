"""A key came that nobody has. Whoever has one that begins like it may hear of it; nobody else can.

Noted in the cache alone, in a fixed number of places, so that strangers fill nothing however much they send.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from django.core.cache import cache

from tokentra.lib.api_keys import is_key

BEGINNING = re.compile(r"tt_(?:live|test)_[0-9A-Za-z]{4}")
LENGTH = 46
PLACES = 65_536
KEPT = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Nearly:
    """`prefix` is all that is kept of what came."""

    prefix: str
    fault: str  # short, long, mistyped, unknown
    at: datetime


def note(key: str, *, now: datetime) -> None:
    if found := BEGINNING.match(key):
        cache.set(place(found[0]), (found[0], fault_of(key), now.timestamp()), KEPT)


def like(prefixes: Collection[str]) -> list[Nearly]:
    """What came lately and begins like one of these."""
    held = cache.get_many([place(each) for each in prefixes]).values()
    return [Nearly(prefix, fault, datetime.fromtimestamp(at, UTC)) for prefix, fault, at in held if prefix in prefixes]


def place(prefix: str) -> str:
    return f"nearly-a-key:{crc32(prefix.encode()) % PLACES}"


def fault_of(key: str) -> str:
    if len(key) != LENGTH:
        return "short" if len(key) < LENGTH else "long"
    return "unknown" if is_key(key) else "mistyped"
