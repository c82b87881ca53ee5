"""What became of events: how many were sent, and how many were lost for which reason. Every loss is said once."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Any

log = logging.getLogger("tokentra_sdk")

REASONS = {
    "not_configured": "No address or key of TokenTra is set: set TOKENTRA_URL and TOKENTRA_API_KEY.",
    "queue_full": "Events came faster than they could be sent or kept.",
    "spool_full": "What waits on disk reached its limit; the oldest was dropped.",
    "spool_unreadable": "What was kept on disk could not be read again.",
    "blocked": "TokenTra refused the key.",
    "not_sent": "The program ended before events could be sent or kept.",
    "unserializable": "An event could not be written as JSON.",
    "refused": "TokenTra refused a request as a whole.",
    "rejected": "TokenTra rejected an event.",
    "conflict": "TokenTra holds another event with the same id.",
    "sdk_error": "Measuring a call failed; the call itself was left alone.",
}


class Counts:
    """Of one process; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.recorded = self.sent = self.duplicates = 0
        self.lost: Counter[str] = Counter()
        self.last_error = ""
        self._said: set[str] = set()

    def after_fork(self) -> None:
        """The parent's figures stay the parent's."""
        self.__init__()  # type: ignore[misc]  # begun anew, for those who hold it

    def record(self) -> None:
        with self._lock:
            self.recorded += 1

    def delivered(self, count: int, duplicates: int = 0) -> None:
        with self._lock:
            self.sent += count
            self.duplicates += duplicates

    def lose(self, reason: str, count: int = 1, detail: str = "") -> None:
        """`detail` says more in the log, which tells each reason once; what it tells is never an event's content."""
        with self._lock:
            self.lost[reason] += count
            is_new = reason not in self._said
            self._said.add(reason)
        if is_new:
            log.warning(
                "TokenTra lost %d event(s): %s %s Further losses of this kind are counted in stats().",
                count,
                REASONS[reason],
                detail,
            )

    def trouble(self, sentence: str) -> None:
        """What keeps events from being sent, though none is lost yet; told once until sending works again."""
        with self._lock:
            is_new = sentence != self.last_error
            self.last_error = sentence
        if is_new:
            log.warning("TokenTra: %s Events are kept and sent later.", sentence)

    def works(self) -> None:
        with self._lock:
            self.last_error = ""

    def told(self) -> dict[str, Any]:
        with self._lock:
            return {
                "recorded": self.recorded,
                "sent": self.sent,
                "duplicates": self.duplicates,
                "lost": dict(self.lost),
                "last_error": self.last_error,
            }
