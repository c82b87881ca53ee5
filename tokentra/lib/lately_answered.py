"""A database session that answered a moment ago is used again without being asked first whether it is still there."""

from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic

from django.db import DEFAULT_DB_ALIAS, connections

MOMENT = 1.0  # seconds


@contextmanager
def trusted() -> Generator[None]:
    """For those who send again what failed: a database that went away within that moment costs them one answer 503."""
    session = connections[DEFAULT_DB_ALIAS]
    held = session.__dict__
    if session.connection is not None and held.get("answered_at", 0.0) > monotonic() - MOMENT:
        held["health_check_done"] = True
    held["answered_at"] = 0.0
    yield
    if session.connection is not None:
        held["answered_at"] = monotonic()
