"""The fake provider as an HTTP server on the loopback: records, limits, spoils and answers."""

from __future__ import annotations

import socket
import traceback
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from time import monotonic, time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .anthropic import Anthropic
from .anthropic_time import parse_time, show_time
from .control import Control
from .delivery import Delivery
from .faults import DELIVERING, LINGERING, REPLACING, Faults, Loop, Rule, Script, mutated, replaced
from .openai import OpenAI
from .wire import Answer, Cursors, Refused, Request
from .world import DAY, Account, AnthropicSettings, Settings, World

_MINUTE = 60.0


@dataclass
class Seen:
    """One request as it arrived, its key masked, and what became of it.

    `beside` is how many other requests of the same account were being answered when it came.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    provider: str
    account: str | None
    page: int
    at: float
    beside: int = 0
    status: int | None = None
    fault: str | None = None


@dataclass
class _Traffic:
    """Recent arrivals and running requests of one account."""

    arrivals: deque[float] = field(default_factory=deque)
    running: int = 0


class FakeProvider:
    """OpenAI and Anthropic at one address, answering from one world.

    >>> with FakeProvider(world) as fake:
    ...     client.get(f"{fake.url}/v1/organization/projects")
    """

    def __init__(self, world: World, *, port: int = 0, faults: Script | None = None) -> None:
        self.world = world
        self.requests: list[Seen] = []
        self.mistakes: list[str] = []
        self.faults = Faults()
        self.faults.load(faults or [])
        self.stopping = Event()
        cursors = Cursors()
        self._cursors = cursors
        self._providers: dict[str, OpenAI | Anthropic] = {
            "openai": OpenAI(lambda: self.world, cursors),
            "anthropic": Anthropic(lambda: self.world, cursors),
        }
        self._traffic: dict[str, _Traffic] = defaultdict(_Traffic)
        self._lock = Lock()
        self._control = Control(self)
        self._server = _Server(("127.0.0.1", port), self)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> FakeProvider:
        self.start()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self.stop()
        if self.mistakes and kind is None:
            raise AssertionError("the fake provider itself failed:\n" + "\n".join(self.mistakes))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End every wait and every connection."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def script(self, faults: Script) -> None:
        """From now on this goes wrong, and nothing else; counters begin again."""
        self.faults.load(faults)

    def forget(self) -> None:
        """Drop the recorded requests and the memory of the rate limits."""
        with self._lock:
            self.requests.clear()
            self._traffic.clear()

    def asked(self, path: str = "", provider: str | None = None) -> list[Seen]:
        """Recorded requests whose path contains this text."""
        return [seen for seen in self.requests if path in seen.path and provider in (None, seen.provider)]

    def serve(self, request: Request, body: bytes, delivery: Delivery) -> bool:
        """Answer one request; false when the connection must not be used again."""
        if request.path.startswith("/__fake__/"):
            return delivery.send(self._control.answer(request, body))
        provider = self._providers[_provider_of(request)]
        loop = Loop(request, self._cursors)
        account = provider.owner(request)
        rule = self.faults.pick(request, provider.name, account.id if account else None, loop.page)
        seen = _seen(request, provider.name, account, loop.page, rule)
        with self._admitted(account, seen) as refusal:
            if rule and rule.action in REPLACING:
                answer = replaced(rule, request, provider)
            elif refusal:
                answer = provider.refuse(refusal)
            else:
                answer = self._answer(provider, loop, rule, seen)
            seen.status = answer.status
            if rule and rule.action in LINGERING:
                return delivery.spoilt(rule.action, rule.do, answer)
        # No longer running once it is on its way: the client's next request may overtake this thread.
        if rule and rule.action in DELIVERING:
            return delivery.spoilt(rule.action, rule.do, answer)
        return delivery.send(answer)

    def _answer(self, provider: OpenAI | Anthropic, loop: Loop, rule: Rule | None, seen: Seen) -> Answer:
        request = loop.request
        if rule and rule.action == "other_account":
            other: Any = self.world.account(provider.name, rule.do["account"])
            request = provider.with_key_of(request, other)
        answer = provider.answer(request)
        if rule and rule.action not in DELIVERING and rule.action != "other_account":
            spoilt = mutated(rule, answer, loop)
            seen.fault = rule.action if spoilt else None
            return spoilt or answer
        return answer

    @contextmanager
    def _admitted(self, account: Account | None, seen: Seen) -> Iterator[Refused | None]:
        """Record the request and keep to its account's limits; yields a refusal when it is one too many."""
        with self._lock:
            self.requests.append(seen)
            if account is not None:
                traffic = self._traffic[account.id]
                seen.beside = traffic.running
                traffic.running += 1
                refusal = _one_too_many(account.settings, traffic)
        if account is None:
            yield None
            return
        try:
            if not refusal and (pause := _pause(account.settings, seen)):
                self.stopping.wait(pause)
            yield refusal
        finally:
            with self._lock:
                traffic.running -= 1


def _seen(request: Request, provider: str, account: Account | None, page: int, rule: Rule | None) -> Seen:
    return Seen(
        method=request.method,
        path=request.path,
        query=parse_qs(request.query, keep_blank_values=True),
        headers={name: _masked(name, value) for name, value in request.headers.items()},
        provider=provider,
        account=account.id if account else None,
        page=page,
        at=time(),
        fault=rule.action if rule else None,
    )


def _pause(settings: Settings, seen: Seen) -> float:
    """How long the provider thinks: the longer, the more days are asked for at once."""
    days = 0.0
    for first, end in (("start_time", "end_time"), ("starting_at", "ending_at")):
        if first in seen.query and end in seen.query:
            with suppress(Refused):  # what cannot be read is answered at once, by the route
                start, stop = (_seconds(seen.query[name][0]) for name in (first, end))
                days = (stop - start) / DAY
    return settings.latency + settings.latency_per_day * days


def _seconds(at: str) -> int:
    return int(at) if at.isdigit() else parse_time("at", at)


def _one_too_many(settings: Settings, traffic: _Traffic) -> Refused | None:
    now = monotonic()
    while traffic.arrivals and traffic.arrivals[0] <= now - _MINUTE:
        traffic.arrivals.popleft()
    allowed = settings.requests_per_minute
    if isinstance(settings, AnthropicSettings) and settings.one_at_a_time and traffic.running > 1:
        message = "Number of concurrent connections has exceeded your rate limit."
        return Refused(429, message, headers={"retry-after": "1"})
    if allowed is not None and len(traffic.arrivals) >= allowed:
        wait = int(traffic.arrivals[0] + _MINUTE - now) + 1 if traffic.arrivals else 60
        headers = {"retry-after": str(wait)}
        if isinstance(settings, AnthropicSettings):
            headers |= {
                "anthropic-ratelimit-requests-limit": str(allowed),
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": show_time(int(time()) + wait),
            }
        return Refused(429, f"Rate limit of {allowed} requests per minute reached.", headers=headers)
    traffic.arrivals.append(now)
    return None


def _provider_of(request: Request) -> str:
    if request.path.startswith("/v1/organizations") or "x-api-key" in request.headers:
        return "anthropic"
    return "openai"


def _masked(name: str, value: str) -> str:
    if name not in ("authorization", "x-api-key"):
        return value
    scheme, _, secret = value.rpartition(" ")
    shown = f"{secret[:9]}…{secret[-4:]}" if len(secret) > 20 else "…"
    return f"{scheme} {shown}".strip()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: FakeProvider) -> None:
        self.fake = fake
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback; the fake's own mistakes are kept elsewhere."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            known = headers.get(name.lower())
            headers[name.lower()] = f"{known}, {value}" if known else value
        request = Request(self.command, parts.path, parts.query, headers)
        fake = self.server.fake
        delivery = Delivery(self.connection, fake.stopping)
        try:
            may_live_on = fake.serve(request, body, delivery)
        except OSError:
            may_live_on = False
        except Exception:
            fake.mistakes.append(traceback.format_exc())
            may_live_on = delivery.send(Answer(599, b'{"error": "the fake provider itself failed"}'))
        if not may_live_on:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 http.server calls them so

    def log_message(self, format: str, *args: Any) -> None:
        """The requests are recorded instead."""
