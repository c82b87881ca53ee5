"""Asks TokenTra while a call waits: on threads of its own, so that no program is held longer than it chose.

Names that are not resolved, servers that send a byte a second: whoever waits goes on at its deadline, and what is asked
ends by itself. Threads keep their connections, since a new one costs more than the question.
"""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Optional, Union
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass

from tokentra_sdk.config import Config
from tokentra_sdk.posting import opener
from tokentra_sdk.verdicts import Silence, Verdict, verdict_of
from tokentra_sdk.version import VERSION

PATH = "/api/usage/check"
MOST_THREADS, LEAVES_AFTER = 32, 30.0
LARGEST_ANSWER = 256 * 1024

Answer = Union[Verdict, Silence]


class Asker:
    def __init__(self, config: Config) -> None:
        self.config = config
        parts = urlsplit(config.url)
        self._is_secure, self._host, self._path = parts.scheme == "https", parts.netloc, parts.path + PATH
        self._by_proxy = bool(getproxies().get(parts.scheme)) and not proxy_bypass(parts.hostname or "")
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[tuple[Future[Answer], bytes, float]] = queue.SimpleQueue()
        self._threads = self._open = 0  # of questions: those that are not answered yet

    def ask(self, body: bytes) -> Future[Answer]:
        answered: Future[Answer] = Future()
        with self._lock:
            self._open += 1
            is_new = self._threads < min(self._open, MOST_THREADS)
            self._threads += is_new
        self._asked.put((answered, body, time.monotonic()))
        if is_new:
            try:
                threading.Thread(target=self._work, name="tokentra-asker", daemon=True).start()
            except RuntimeError:  # the program ends, or has as many as it may
                with self._lock:
                    self._threads -= 1
                if answered.cancel():  # else another thread has it already
                    answered = Future()
                    answered.set_result(Silence("No thread can be begun."))
        return answered

    def _work(self) -> None:
        connection: Optional[HTTPConnection] = None
        while True:
            try:
                answered, body, at = self._asked.get(timeout=LEAVES_AFTER)
            except queue.Empty:
                with self._lock:
                    if self._open < self._threads:  # else one is on its way to this thread
                        self._threads -= 1
                        break
                continue
            if answered.set_running_or_notify_cancel():
                try:
                    connection, answer = self._answer(connection, body)
                except Exception as error:
                    connection, answer = None, Silence(f"Asking failed ({type(error).__name__}).")
                if time.monotonic() - at > self.config.check_timeout:  # too late for whoever waited
                    answer = Silence(f"{self.config.url} takes longer than {self.config.check_timeout:g} s to answer.")
                answered.set_result(answer)
            with self._lock:
                self._open -= 1
        if connection is not None:
            connection.close()

    def _answer(self, connection: HTTPConnection | None, body: bytes) -> tuple[HTTPConnection | None, Answer]:
        """On the connection that is there; where that was closed meanwhile, on another one."""
        if self._by_proxy:
            return None, self._answer_by_proxy(body)
        for kept in (connection, None) if connection is not None else (None,):
            here = kept or self._connection()
            try:
                here.request("POST", self._path, body, self._headers())
                response = here.getresponse()
                told = response.read(LARGEST_ANSWER)
                answer = verdict_of(response.status, told, response.headers.get("Retry-After"))
                if response.will_close or not response.isclosed():
                    here.close()
            except (OSError, HTTPException) as error:
                here.close()
                if kept is None:
                    return None, Silence(f"{self.config.url} cannot be reached ({type(error).__name__}).")
            else:
                return here, answer
        raise AssertionError("one of them answered")

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._is_secure else HTTPConnection
        return kind(self._host, timeout=self.config.check_timeout)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.config.api_key}",
            "Content-Type": "application/json",
            "User-Agent": f"tokentra-sdk-python/{VERSION}",
        }

    def _answer_by_proxy(self, body: bytes) -> Answer:
        request = Request(f"{self.config.url}{PATH}", body, self._headers(), method="POST")  # noqa: S310  # as set
        try:
            with opener.open(request, timeout=self.config.check_timeout) as response:
                return verdict_of(response.status, response.read(LARGEST_ANSWER))
        except HTTPError as error:
            with error:
                return verdict_of(error.code, error.read(LARGEST_ANSWER), error.headers.get("Retry-After"))
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            return Silence(f"{self.config.url} cannot be reached ({type(reason).__name__}).")
