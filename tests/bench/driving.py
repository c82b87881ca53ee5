"""Requests that were built beforehand, sent over connections that stay open, by threads that do nothing else."""

import gzip
import http.client
import json
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

TRIES = 50


@dataclass
class Driven:
    """How long each request took, in seconds; `refusals` are answers that were no 202, by status."""

    seconds: float = 0.0
    took: list[float] = field(default_factory=list)
    refusals: dict[int, int] = field(default_factory=dict)
    busy: float = 0.0  # CPU seconds of the driver itself


def body(events: Sequence[dict[str, Any]], *, packed: bool = False) -> bytes:
    plain = json.dumps({"events": list(events)}, separators=(",", ":")).encode()
    return gzip.compress(plain, 1) if packed else plain


def drive(
    port: int, path: str, bodies: Sequence[bytes], *, headers: dict[str, str], clients: int, pace: float = 0.0
) -> Driven:
    """Send every body once; one that is refused for now is sent again.

    `pace` is how many begin in a second; 0 sends each as soon as a client is free.
    """
    start = time.perf_counter()
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    for number, each in enumerate(bodies):
        waiting.put((start + number / pace if pace else 0.0, each))
    driven, lock = Driven(), threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        mine: list[float] = []
        while True:
            try:
                due, content = waiting.get_nowait()
            except queue.Empty:
                break
            if (pause := due - time.perf_counter()) > 0:
                time.sleep(pause)  # until its moment
            for _ in range(TRIES):
                begun = time.perf_counter()
                connection.request("POST", path, content, headers)
                answer = connection.getresponse()
                said = answer.read()
                mine.append(time.perf_counter() - begun)
                if answer.status in (200, 202):
                    break
                with lock:
                    driven.refusals[answer.status] = driven.refusals.get(answer.status, 0) + 1
                assert answer.status in (429, 503), said
        connection.close()
        with lock:
            driven.took += mine

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begun, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    driven.seconds, driven.busy = time.perf_counter() - begun, time.process_time() - used
    return driven


def cpu_of(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds that these processes, and those they started that have ended, have used so far."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total
