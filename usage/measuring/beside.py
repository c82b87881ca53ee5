"""Adding up beside the requests that store events: a thread of each process does it, and no sender waits for sums."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from django.db import close_old_connections, connections

ENOUGH = 750  # events of an organization that a process stores before its thread adds up what waits
REST = 0.3  # seconds from there on in which it takes more than that: what comes faster is added up in larger steps
MOST_LEFT = 4_000  # so many are enough at any time: the more wait, the longer does whoever reads
MOST_BEHIND = 10_000  # so many while the thread is at it are more than it can do: then senders wait
IDLE = 60.0  # seconds after which a thread that had nothing to do ends, and its session with it


class Beside:
    """Counts what was stored, and calls `add_up` in its thread for an organization of which enough came.

    It says whether more is left.
    """

    def __init__(self, add_up: Callable[[UUID], bool]) -> None:
        self._add_up = add_up
        self._bell = threading.Condition()
        self._came: Counter[UUID] = Counter()
        self._rests_until: dict[UUID, float] = {}
        self._thread: threading.Thread | None = None

    def came(self, organization_id: UUID, count: int) -> bool:
        """Whether the thread lags so far behind that whoever stored these has to add up first."""
        with self._bell:
            before = self._came[organization_id]
            now = self._came[organization_id] = before + count
            if now >= MOST_BEHIND:
                del self._came[organization_id]
                return True
            if now >= ENOUGH and self._thread is None:  # not before: a thread does not survive a fork
                self._thread = threading.Thread(target=self._run, name="adding up", daemon=True)
                self._thread.start()
            elif before < ENOUGH <= now or before < MOST_LEFT <= now:
                self._bell.notify()
            return False

    def _run(self) -> None:
        try:
            while due := self._next():
                while self._add_up(due):
                    pass
                close_old_connections()
        finally:
            connections.close_all()
            with self._bell:
                if self._thread is threading.current_thread():  # it failed: the next one begins anew
                    self._thread = None

    def _next(self) -> UUID | None:
        """One of those of which enough came, in turns; None after a while without any."""
        has_waited = False
        with self._bell:
            while True:
                now = time.monotonic()
                self._rests_until = {each: until for each, until in self._rests_until.items() if until > now}
                due = [each for each, count in self._came.items() if count >= ENOUGH]
                for each in due:
                    if each not in self._rests_until or self._came[each] >= MOST_LEFT:
                        del self._came[each]
                        self._rests_until[each] = now + REST
                        return each
                if has_waited and not due:
                    self._thread = None
                    return None
                has_waited = not self._bell.wait(min((self._rests_until[each] - now for each in due), default=IDLE))
