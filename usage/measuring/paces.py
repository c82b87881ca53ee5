"""How much one organization may send in a second, so that it takes the others nothing.

Counted for all processes together; while Redis is away each counts for itself.
"""

import time
from typing import cast
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from accounts.limits import Limit
from tokentra.lib.cache import ForgivingRedisCache
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import name_within

TOO_MANY = "{what} in one second are too many: up to {most} are taken. Send this again after the time in Retry-After."


def request(organization_id: UUID, *, status: int = 429) -> None:
    """One request; raises a Problem over the pace."""
    keep(name_within(organization_id, "requests"), 1, settings.INGEST_REQUESTS, "So many requests", status)


def events(organization_id: UUID, count: int, *, status: int = 429) -> None:
    """The events of one request; a request that alone holds more than a second's is taken where it is the first."""
    keep(name_within(organization_id, "events"), count, settings.INGEST_EVENTS, "So many events", status)


def keep(name: str, count: int, most: int, what: str, status: int) -> None:
    if not most or not count:
        return
    came = cast(ForgivingRedisCache, cache).count(f"{name}:{int(time.time())}", count, seconds=2)
    if came > most and came > count:
        headers = Limit(most, 0, 1).headers | {"Retry-After": "1"}
        raise Problem(status, "too_many_requests", TOO_MANY.format(what=what, most=most), headers=headers)
