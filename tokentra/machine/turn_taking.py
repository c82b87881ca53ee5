"""Threads for web requests, which go to senders by turns: what gunicorn's worker asks of an executor."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from tokentra.machine.turns import Turns

Work = tuple["Future[Any]", Callable[[], Any]]


class Threads:
    """Up to so many, each made when there is work that no idle one takes.

    Whoever worked last works next: its database session is warm, and those who are not needed at once never have one.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._turns: Turns[Work] = Turns(most)
        self._lock = threading.Lock()
        self._idle: list[threading.Lock] = []  # each held until its thread is to look again
        self._count = 0
        self._is_over = False

    def submit(self, sender: Hashable, work: Callable[[], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._lock:
            self._turns.come(sender, (future, work))
            if self._idle:
                self._idle.pop().release()
            elif self._count < self.most:
                self._count += 1
                threading.Thread(target=self._run, name=f"web {self._count}", daemon=True).start()
        return future

    @property
    def has_room(self) -> bool:
        """Whether a thread may stay with its sender for a moment without anybody waiting for it."""
        with self._lock:
            return self._turns.has_room

    def shutdown(self, wait: bool = True) -> None:  # an executor's
        """Nothing that waits is begun any more, and what runs is not waited for."""
        with self._lock:
            self._is_over = True
            while self._idle:
                self._idle.pop().release()

    def _run(self) -> None:
        bell = threading.Lock()
        bell.acquire()
        while (found := self._next(bell)) is not None:
            sender, (future, work) = found
            try:
                future.set_result(work())
            except BaseException as problem:
                future.set_exception(problem)
            with self._lock:
                self._turns.end(sender)

    def _next(self, bell: threading.Lock) -> tuple[Hashable, Work] | None:
        while True:
            with self._lock:
                if self._is_over:
                    return None
                if found := self._turns.next():
                    return found
                self._idle.append(bell)
            bell.acquire()
