"""How much one organization may send in a second, so that it takes the others nothing.

Counted for all processes together, each of which takes a share in advance; while Redis is away each counts for itself.
"""

import time
from collections.abc import Hashable, Mapping
from threading import Lock
from typing import cast
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from accounts.limits import Limit
from tokentra.lib.cache import ForgivingRedisCache
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import kept_within, name_within

SHARES = 20  # of a second's allowance, each taken at once by one process
MOST_NAMES = 10_000
TOO_MANY = "{what} in one second are too many: up to {most} are taken. Send this again after the time in Retry-After."


class OverPace(Problem):
    def __init__(self, status: int, message: str, *, headers: Mapping[str, str], until: float | None) -> None:
        super().__init__(status, "too_many_requests", message, headers=headers)
        self.until = until


def request(organization_id: UUID, *, status: int = 429) -> None:
    """One request; raises a Problem over the pace."""
    keep(organization_id, "requests", 1, most=settings.INGEST_REQUESTS, what="So many requests", status=status)


def events(organization_id: UUID, count: int, *, status: int = 429) -> None:
    """The events of one request; a request that alone holds more than a second's is taken where it is the first."""
    keep(organization_id, "events", count, most=settings.INGEST_EVENTS, what="So many events", status=status)


def keep(organization_id: UUID, kind: str, count: int, *, most: int, what: str, status: int) -> None:
    if not most or not count:
        return
    second, place = int(time.time()), kept_within(organization_id, kind)
    if _held.spend(place, second, count):
        return
    asked = max(count, most // SHARES)
    name = name_within(organization_id, kind, second)
    came = cast(ForgivingRedisCache, cache).count(name, asked, seconds=10)
    granted = min(asked, most - (came - asked))
    if granted < count and came > asked:
        headers = Limit(most, 0, 1).headers | {"Retry-After": "1"}
        until = second + 1 if count == 1 else None
        raise OverPace(status, TOO_MANY.format(what=what, most=most), headers=headers, until=until)
    _held.put(place, second, max(granted - count, 0))


class Held:
    """What a process has been granted of the running second and not used yet, so that it asks Redis less often."""

    def __init__(self) -> None:
        self._left: dict[Hashable, tuple[int, int]] = {}
        self._lock = Lock()

    def spend(self, name: Hashable, second: int, count: int) -> bool:
        with self._lock:
            of, left = self._left.get(name, (0, 0))
            if of != second or left < count:
                return False
            self._left[name] = second, left - count
            return True

    def put(self, name: Hashable, second: int, count: int) -> None:
        with self._lock:
            of, left = self._left.get(name, (0, 0))
            if len(self._left) >= MOST_NAMES:
                self._left.clear()
            self._left[name] = second, count + (left if of == second else 0)


_held = Held()
