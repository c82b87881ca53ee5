"""Brings events to TokenTra, on a thread of its own: in batches, again and again until they are taken.

What cannot be sent waits on disk; what finds no place is counted. Whoever hands over an event waits for nothing.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
import weakref
from collections import deque
from multiprocessing import util
from typing import Any

from tokentra_sdk.config import LARGEST_BATCH, LONGEST_BATCH, Config
from tokentra_sdk.losses import Counts, log
from tokentra_sdk.posting import BLOCKED_WAIT, Answer, Outcome, backoff, post
from tokentra_sdk.spool import Kept, Spool

encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Sender:
    """Holds events as they go out, so that what waits has a known size and cannot change any more."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.counts = Counts()
        self.spool = Spool(config.spool, config.most_spooled, self.counts)
        self._begin()
        senders.add(self)
        for module in utils_of_processes():
            module.register_after_fork(self, Sender.in_process)
        self.in_process()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._sending: list[bytes] = []  # taken from the queue, and not settled yet
        self._thread: threading.Thread | None = None
        self._is_urgent = self._is_closed = self._is_blocked = False
        self._not_before = 0.0  # of the monotonic clock
        self._is_told_to_wait = False
        self._failures = 0
        self._has_kept = False  # on disk, as far as this process knows; every turn looks
        self._can_keep = self.config.spool is not None

    def in_process(self) -> None:
        """Processes of multiprocessing and of its kin end without what Python does at its exit."""
        for module in utils_of_processes():
            module.Finalize(None, close_quietly, args=(weakref.ref(self),), exitpriority=10)

    def after_fork(self) -> None:
        """The parent sends what the parent has; its thread and locks are not in the child."""
        self.counts.after_fork()
        self._begin()

    # For the program's threads

    def offer(self, event: dict[str, Any]) -> None:
        self.counts.record()
        if self.config.problem:
            self.counts.lose("not_configured", detail=self.config.problem)
            return
        try:
            body = encode(event).encode()
        except (TypeError, ValueError, RecursionError):
            self.counts.lose("unserializable")
            return
        if reason := self._refusal_of(body):
            self.counts.lose(reason)
        if self._thread is None:
            self._start()

    def _refusal_of(self, body: bytes) -> str:
        """Queue it, or say why not."""
        with self._changed:
            if self._is_closed:
                return "not_sent"
            if len(self._queue) >= self.config.most_queued or self._bytes + len(body) > self.config.most_bytes:
                return "blocked" if self._is_blocked else "queue_full"
            if len(body) > LARGEST_BATCH:
                return "unserializable"
            self._queue.append(body)
            self._bytes += len(body)
            if len(self._queue) in (1, LONGEST_BATCH) or self._is_crowded():
                self._changed.notify_all()
        return ""

    def flush(self, timeout: float) -> bool:
        """Send what waits now. Whether all of it is taken, within `timeout` seconds."""
        if self.config.problem:
            return False
        self._start()
        until = time.monotonic() + timeout
        with self._changed:
            self._is_urgent = True
            if not self._is_told_to_wait:
                self._not_before = 0.0
            self._changed.notify_all()
            while (left := until - time.monotonic()) > 0 and self._is_urgent and self._is_alive():
                self._changed.wait(min(left, 0.5))
            return not self._queue and not self._sending and self._failures == 0

    def close(self, timeout: float) -> None:
        """Send what is left within `timeout` seconds, keep the rest on disk, and count what finds no place there."""
        if self.config.problem or self._is_closed:
            return
        if self._queue or self._sending:
            self.flush(timeout)
        with self._changed:
            self._is_closed = True
            left = self._sending + list(self._queue)
            self._queue.clear()
            self._sending = []
            self._bytes = 0
            self._changed.notify_all()
        reason = "blocked" if self._is_blocked else "not_sent"
        if left and (self._is_blocked or not self.spool.put(left)):
            self.counts.lose(reason, len(left))

    def waiting(self) -> int:
        with self._lock:
            return len(self._queue) + len(self._sending)

    def _start(self) -> None:
        with self._lock:
            if self._is_alive() or self._is_closed:
                return
            self._thread = threading.Thread(target=self._work, name="tokentra-sender", daemon=True)
            thread = self._thread
        try:
            thread.start()
        except RuntimeError:  # no thread can be begun, as when the program ends
            with self._lock:
                self._thread = None

    def _is_alive(self) -> bool:
        return self._thread is not None and (self._thread.is_alive() or self._thread.ident is None)

    # On the thread of its own. Disk and network are used without the lock, which programs' threads need.

    def _work(self) -> None:
        try:
            while self._wait():
                self._turn()
        except Exception:  # whatever it is, the program goes on, and the next event begins another thread
            log.exception("TokenTra: the sender stopped and begins anew.")
            with self._changed:
                self._give_back(self._sending)
                self._thread = None
                self._is_urgent = False
                self._changed.notify_all()

    def _wait(self) -> bool:
        """Until there is something to do; False when the program ends."""
        with self._changed:
            since = None
            while not self._is_closed:
                now = time.monotonic()
                if self._is_crowded():
                    return True
                if now < self._not_before:
                    if self._is_urgent:  # whoever waits cannot be served now
                        self._is_urgent = False
                        self._changed.notify_all()
                    self._changed.wait(self._not_before - now)
                elif self._is_urgent or self._has_kept or self._failures or len(self._queue) >= LONGEST_BATCH:
                    return True
                elif self._queue:
                    since = since or now
                    if now - since >= self.config.every:
                        return True
                    self._changed.wait(self.config.every - (now - since))
                else:
                    self._changed.wait()
            return False

    def _is_crowded(self) -> bool:
        """Half of what may wait does, and cannot be sent soon."""
        is_behind = (self._failures or self._has_kept) and not self._is_blocked and self._can_keep
        return bool(is_behind) and (
            2 * self._bytes > self.config.most_bytes or 2 * len(self._queue) > self.config.most_queued
        )

    def _turn(self) -> None:
        """What waits on disk goes first, then what is new. Where it cannot be sent now, the oldest moves to disk."""
        with self._lock:
            is_time = time.monotonic() >= self._not_before
        kept = self.spool.oldest() if is_time else None
        if kept:
            self._send_kept(kept)
        with self._lock:
            self._has_kept = self._has_kept if not is_time else kept is not None
            is_time = time.monotonic() >= self._not_before
            batch = self._taken() if is_time or self._is_crowded() else []
        if batch:
            self._settle(batch, self._send(batch).outcome if is_time else Outcome.LATER)
        with self._changed:
            has_nothing_to_do = not kept and not batch
            if has_nothing_to_do:
                self._failures = 0
            if has_nothing_to_do or self._failures:
                self._is_urgent = False
            self._changed.notify_all()

    def _settle(self, batch: list[bytes], outcome: Outcome) -> None:
        """What was not taken waits on disk or, where it cannot, in the queue again."""
        is_open = outcome in (Outcome.LATER, Outcome.BLOCKED)
        with self._lock:
            is_kept = self._is_closed  # whoever ends the program has seen to it
        if is_open and not is_kept and outcome is Outcome.LATER:
            is_kept = self._can_keep = self.spool.put(batch)
            self._has_kept = self._has_kept or is_kept
        with self._lock:
            if is_open and not is_kept and not self._is_closed:
                self._give_back(batch)
            self._sending = []

    def _taken(self) -> list[bytes]:
        """The oldest events, as many as one request takes. Called with the lock."""
        batch: list[bytes] = []
        size = 0
        while self._queue and len(batch) < LONGEST_BATCH and size + len(self._queue[0]) <= LARGEST_BATCH:
            batch.append(self._queue.popleft())
            size += len(batch[-1])
        self._bytes -= size
        self._sending = batch
        return batch

    def _give_back(self, batch: list[bytes]) -> None:
        """Called with the lock. What came meanwhile may leave no place for all of it."""
        while batch and (
            len(self._queue) + len(batch) > self.config.most_queued
            or self._bytes + sum(map(len, batch)) > self.config.most_bytes
        ):
            batch = batch[1:]
            self.counts.lose("blocked" if self._is_blocked else "queue_full")
        self._queue.extendleft(reversed(batch))
        self._bytes += sum(map(len, batch))
        self._sending = []

    def _send_kept(self, kept: Kept) -> None:
        if self._send(kept.events).outcome in (Outcome.DONE, Outcome.REFUSED):
            kept.done()
        else:
            kept.release()

    def _send(self, batch: list[bytes]) -> Answer:
        """Sets when the next try may be. A batch that is refused as a whole is halved until the guilty one is found."""
        answer = post(self.config, batch, timeout=self.config.timeout)
        if answer.outcome is Outcome.DONE:
            self._failures, self._not_before, self._is_told_to_wait, self._is_blocked = 0, 0.0, False, False
            self.counts.works()
            self.counts.delivered(answer.accepted + answer.duplicates, answer.duplicates)
            for problem in answer.problems:
                said = f"{problem.get('code', '')}: {problem.get('message', '')} ({problem.get('field') or 'event'})"
                self.counts.lose("conflict" if problem["status"] == "conflict" else "rejected", detail=said)
        elif answer.outcome is Outcome.REFUSED:
            if len(batch) == 1:
                self.counts.lose("refused", detail=answer.sentence)
            else:
                return self._send_halves(batch)
        else:
            self._failures += 1
            self._is_blocked = answer.outcome is Outcome.BLOCKED
            self._is_told_to_wait = answer.wait is not None
            wait = BLOCKED_WAIT if self._is_blocked else backoff(self._failures) if answer.wait is None else answer.wait
            self._not_before = time.monotonic() + wait
            self.counts.trouble(answer.sentence)
        return answer

    def _send_halves(self, batch: list[bytes]) -> Answer:
        """What was taken before a half failed is sent again with it, and counts as a duplicate then."""
        middle = len(batch) // 2
        first = self._send(batch[:middle])
        if first.outcome in (Outcome.LATER, Outcome.BLOCKED):
            return first
        return self._send(batch[middle:])


senders: weakref.WeakSet[Sender] = weakref.WeakSet()


def _after_fork() -> None:
    for sender in list(senders):
        sender.after_fork()


def _at_exit() -> None:
    for sender in list(senders):
        close_quietly(weakref.ref(sender))
        if lost := sum(sender.counts.lost.values()):
            log.warning("TokenTra: %d event(s) of this program were lost: %s.", lost, dict(sender.counts.lost))


def close_quietly(sender: weakref.ref[Sender]) -> None:
    try:
        if found := sender():
            found.close(found.config.at_exit)
    except Exception:  # the program ends as it would without us
        log.debug("TokenTra: the sender could not end in order.", exc_info=True)


def utils_of_processes() -> list[Any]:
    return [util, *filter(None, [sys.modules.get("billiard.util")])]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
