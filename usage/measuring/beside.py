"""Adding up beside the requests that store events and read their sums: a thread of each process does it.

No sender waits for sums, and of all the sessions of a process one alone takes the megabytes and the time that
planning a statement for all of them costs.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from uuid import UUID

from django.db import Error, close_old_connections, connections

from usage.measuring.stepping import Left

log = logging.getLogger(__name__)

ENOUGH = 750  # events of an organization that a process stores before its thread adds up what waits
REST = 1.0  # seconds from there on in which it takes more than that: what comes faster is added up in larger steps
MOST_LEFT = 4_000  # so many are enough at any time: the more wait, the longer does whoever reads
MOST_BEHIND = 10_000  # so many while the thread is at it are more than it can do: then one sender waits
IDLE = 60.0  # seconds after which a thread that had nothing to do ends, and its session with it


class Beside:
    """Counts what was stored, and adds up in its thread: by `add_up` at once for who asks, by `unasked` for an
    organization of which enough came.

    Each says what is left. Others than it looked at rest a while, unless somebody asks.
    """

    def __init__(self, add_up: Callable[[UUID], Left], *, unasked: Callable[[UUID], Left] | None = None) -> None:
        self._add_up, self._unasked = add_up, unasked or add_up
        self._bell = threading.Condition()
        self._came: Counter[UUID] = Counter()
        self._asked: dict[UUID, Future[Left]] = {}  # for a step that has not begun
        self._busy: UUID | None = None
        self._over = threading.Event()  # set when the step that is under way ends
        self._over.set()  # there was none yet
        self._rests_until: dict[UUID, float] = {}
        self._thread: threading.Thread | None = None

    def came(self, organization_id: UUID, count: int) -> bool:
        """Whether the thread lags so far behind that whoever stored these has to `wait`, alone of those who come."""
        with self._bell:
            before = self._came[organization_id]
            now = self._came[organization_id] = before + count
            if now >= MOST_BEHIND:
                self._came[organization_id] = MOST_LEFT
                self._ring()
                return True
            is_idle = self._thread is None and now >= ENOUGH
            if is_idle or before < ENOUGH <= now or before < MOST_LEFT <= now:
                self._ring()
            return False

    def wait(self, organization_id: UUID) -> bool:
        """Until a step that is under way ends; False where the thread is at none of this organization's."""
        with self._bell:
            if self._busy != organization_id:
                return False
            over = self._over
        return over.wait()

    def add_up(self, organization_id: UUID) -> Left | None:
        """A step that begins after this: what is left, or what it raises.

        None where the thread is at another organization's, for which nobody waits here, and where there is none.
        """
        with self._bell:
            if {self._busy, *self._asked} - {None, organization_id}:
                return None
            if not self._ring():
                return None
            asked = self._asked.setdefault(organization_id, Future())
        return asked.result()

    def _ring(self) -> bool:
        """Whether there is a thread to hear it."""
        if self._thread is None:  # not before: a thread does not survive a fork
            thread = threading.Thread(target=self._run, name="adding up", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # none can be had now: whoever comes next tries again
                return False
            self._thread = thread
        else:
            self._bell.notify()
        return True

    def _run(self) -> None:
        try:
            while due := self._next():
                while (left := self._step(due)) is Left.SOME:
                    pass
                if left:
                    self._come_back(due)
                close_old_connections()
        finally:
            with self._bell:
                if self._thread is threading.current_thread():  # it failed: the next one begins anew
                    self._end()
            connections.close_all()

    def _come_back(self, organization_id: UUID) -> None:
        with self._bell:
            self._came[organization_id] += ENOUGH

    def _step(self, organization_id: UUID) -> Left:
        with self._bell:
            asked = self._asked.pop(organization_id, None)
            over = self._over = threading.Event()
        try:
            left = (self._add_up if asked else self._unasked)(organization_id)
        except Error as problem:  # the events are stored: whoever reads their sums tries again
            if asked:
                asked.set_exception(problem)
            else:
                log.warning("events of %s could not be added up yet", organization_id, exc_info=True)
            return Left.NOTHING
        except BaseException as problem:
            if asked:
                asked.set_exception(problem)
            raise
        finally:
            over.set()
        if asked:
            asked.set_result(left)
        return left

    def _next(self) -> UUID | None:
        """One that is asked for, or else of which enough came, in turns; None after a while without any."""
        has_waited = False
        with self._bell:
            self._busy = None
            while True:
                now = time.monotonic()
                self._rests_until = {each: until for each, until in self._rests_until.items() if until > now}
                due = [each for each, count in self._came.items() if count >= ENOUGH]
                for each in (*self._asked, *due):
                    if each in self._asked or each not in self._rests_until or self._came[each] >= MOST_LEFT:
                        self._came.pop(each, None)
                        self._rests_until[each] = now + REST
                        self._busy = each
                        return each
                if has_waited and not due:
                    self._end()
                    return None
                has_waited = not self._bell.wait(min((self._rests_until[each] - now for each in due), default=IDLE))

    def _end(self) -> None:
        """Nobody waits for a thread that is gone."""
        self._thread = self._busy = None
        for asked in self._asked.values():
            asked.set_result(Left.SOME)
        self._asked.clear()
