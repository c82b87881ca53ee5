"""A TokenTra that takes events, and refuses them as it is told to."""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # programs whose threads all come at once are not turned away


class Taken:
    """What came, and what is answered next: `faults` are (status, headers, body), each used once, then all is well."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.requests: list[tuple[dict[str, str], list[dict[str, Any]]]] = []
        self.events: dict[str, dict[str, Any]] = {}
        self.duplicates = 0
        self.faults: deque[tuple[int, dict[str, str], bytes]] = deque()
        self.rejects: set[str] = set()
        self.open = threading.Event()
        self.open.set()
        self.url = ""
        self.rules: list[dict[str, str]] = []
        self.asked_rules: list[str] = []  # with which ETag
        self.questions: list[dict[str, Any]] = []
        self.verdict: Callable[[dict[str, Any]], tuple[int, dict[str, Any]]] = allowed
        self.hears = threading.Event()  # questions are answered while it is set
        self.hears.set()

    def fail(self, status: int, times: int = 1, headers: dict[str, str] | None = None, body: bytes = b"{}") -> None:
        self.faults.extend([(status, headers or {}, body)] * times)

    def wait(self, count: int, timeout: float = 10.0) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        with self.changed:
            found = self.changed.wait_for(lambda: len(self.events) >= count, timeout)
            assert found, f"{len(self.events)} of {count} events came"
            return list(self.events.values())

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, timeout), len(self.requests)

    def judge(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        question = json.loads(body)
        with self.changed:
            self.questions.append(question)
            self.changed.notify_all()
        self.hears.wait(30)
        status, answer = self.verdict(question)
        return status, {"Retry-After": "1"} if status == 429 else {}, json.dumps(answer).encode()

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        content = json.loads(gzip.decompress(body))
        with self.changed:
            self.requests.append((headers, content["events"]))
            self.changed.notify_all()
            if self.faults:
                return self.faults.popleft()
            results, accepted, duplicates = [], 0, 0
            for index, event in enumerate(content["events"]):
                if event.get("model") in self.rejects:
                    results.append({"index": index, "id": event["id"], "status": "rejected", "code": "invalid_field",
                                    "message": "No.", "field": "model"})  # fmt: skip
                elif event["id"] in self.events:
                    assert self.events[event["id"]] == event
                    duplicates += 1
                    results.append({"index": index, "id": event["id"], "status": "duplicate"})
                else:
                    accepted += 1
                    self.events[event["id"]] = event
            self.duplicates += duplicates
            self.changed.notify_all()
            rejected = len(content["events"]) - accepted - duplicates
            counts = {"accepted": accepted, "duplicates": duplicates, "conflicts": 0, "rejected": rejected}
            status = 202 if accepted or duplicates else 422
            return status, {}, json.dumps({**counts, "results": results}).encode()


def allowed(question: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    """With a reservation, so that each call asks."""
    return 200, {"verdict": "allow", "budgets": [], "delayMs": 0, "ttlSeconds": 600,
                 "reservationId": question.get("id"), **more}  # fmt: skip


def unreserved(question: dict[str, Any], ttl: float = 5) -> tuple[int, dict[str, Any]]:
    return 200, {"verdict": "allow", "budgets": [], "delayMs": 0, "ttlSeconds": ttl}


def refused(question: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    one = {"id": "1", "name": "Globex", "value": "", "mode": "block", "state": "refuses", "delayMs": 0,
           "periodStart": "2026-11-01T00:00:00Z", "periodEnd": "2026-12-01T00:00:00Z",
           "reachedAt": "2026-11-20T11:00:00Z"}  # fmt: skip
    other = {**one, "name": "All", "state": "ok", "periodEnd": "2027-01-01T00:00:00Z"}
    error = {"code": "budget_reached", "message": "The budget “Globex” is used up.", "verdict": "block",
             "budgets": [other, one], "ask": "Alice", "askUrl": "https://t.example/ask", "ttlSeconds": 5}  # fmt: skip
    return 402, {"error": {**error, **more}}


@contextmanager
def taking() -> Iterator[Taken]:
    taken = Taken()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are written one after another

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.open.wait(30)
            if self.path == "/api/usage/check":
                status, headers, answer = taken.judge(body)
            elif self.path != "/api/usage/track":
                status, headers, answer = 404, {}, b"<html>"
            else:
                status, headers, answer = taken.take(dict(self.headers), body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(answer)

        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match", "")
            answer = json.dumps({"rules": taken.rules, "version": "v"}).encode()
            etag = f'"{len(answer)}"'
            taken.asked_rules.append(known)
            self.send_response(304 if known == etag else 200)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", "0" if known == etag else str(len(answer)))
            self.end_headers()
            if known != etag:
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield taken
    finally:
        taken.open.set()
        taken.hears.set()
        server.shutdown()
        server.server_close()
        thread.join()
