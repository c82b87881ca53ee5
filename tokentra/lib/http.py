"""The only way out: calls to providers, with limits that keep a bad answer from becoming our problem."""

import json
import logging
import math
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx2
from django.conf import settings

from tokentra.lib.breaker import Breaker, breaker_of
from tokentra.lib.guard import Guard
from tokentra.lib.masking import mask
from tokentra.lib.sampling import Heard
from tokentra.lib.waiting import retry_after

CONNECT_SECONDS, IDLE_SECONDS = 5.0, 20.0
FAIR_SECONDS = 10.0  # who has not answered within this time is at fault, whatever the caller's deadline
MAX_BYTES = 32 * 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 4.0
SAMPLE = 2_000
LARGER, TOO_LARGE = "its answer was larger than 32 MiB", b""

Params = Sequence[tuple[str, str]]

for chatty in ("httpx2", "httpcore2"):  # their lines carry query strings, and headers when debugging
    logging.getLogger(chatty).setLevel(logging.WARNING)


class CallFailed(Exception):
    """A call that brought nothing to read; `reason` is in our words, `sample` a masked part of what came."""

    def __init__(self, reason: str, *, sample: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason, self.sample, self.retry_after = reason, sample, retry_after


class Unavailable(CallFailed):
    """No usable answer after every try: an error of the server, a lost connection, or something odd."""


class OutOfTime(Unavailable):
    """The deadline came first: what was asked for is too much for the time there was, or nobody answers."""


class TooLarge(Unavailable):
    """The answer went on past MAX_BYTES."""


class SlowDown(CallFailed):
    """429; `retry_after` is None when the server does not say how long."""


class Redirected(CallFailed):
    """The server pointed elsewhere; nobody went there."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many tries a call has, and how long all of them may take together."""

    tries: int
    seconds: float

    @property
    def longest_pause(self) -> float:
        """Between two tries. A server that asks for more is left alone: its caller decides when to come back."""
        longest: float = min(FIRST_PAUSE * 2 ** max(self.tries - 2, 0), LONGEST_PAUSE)
        return longest


OF_A_TASK = Patience(tries=5, seconds=60.0)
WHILE_A_PERSON_WAITS = Patience(tries=2, seconds=10.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx with its JSON, or a 4xx with its JSON if it has any. Fractions are Decimal, also NaN."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    sample: str = ""  # of a refusal that is not JSON, masked
    raw: bytes = field(default=b"", repr=False)


class Memory(Protocol):
    """Answers that have come before, by the hash of their question; `TOO_LARGE` stands for one that had no end."""

    def get(self, question: str) -> bytes | None: ...

    def keep(self, question: str, raw: bytes) -> None: ...


@dataclass
class Client:
    """Calls one host. `deadline` is an instant of `clock` after which no call goes on.

    What its memory holds is not asked again.
    """

    base: str
    wire: httpx2.Client = field(repr=False)
    breaker: Breaker
    patience: Patience = OF_A_TASK
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    deadline: float = math.inf
    memory: Memory | None = field(default=None, repr=False)
    heard: Heard = field(default_factory=Heard, repr=False)
    _line: list[socket.socket] = field(default_factory=list, repr=False)

    def get(self, path: str, params: Params = (), *, headers: Mapping[str, str]) -> Answer:
        """GET, tried a few times. Raises CallFailed for all that is neither 2xx nor a plain 4xx.

        It never sleeps because the server says so: a Retry-After that is longer than our own pauses ends the tries.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError("a path of the host, beginning with one slash")
        if self.memory is None:
            return self._guarded(path, params, headers)
        question = _question(path, params)
        if (known := self.memory.get(question)) is not None:
            return _remembered(known)
        try:
            answer = self._guarded(path, params, headers)
        except TooLarge:
            self.memory.keep(question, TOO_LARGE)
            raise
        if answer.status < 300:
            self.memory.keep(question, answer.raw)
        return answer

    def _guarded(self, path: str, params: Params, headers: Mapping[str, str]) -> Answer:
        if not self.breaker.admits():
            raise Unavailable("it has not answered lately, so it is left alone for half a minute")
        began = self.clock()
        end = min(began + self.patience.seconds, self.deadline)
        try:
            answer = self._tried(path, params, headers, end)
        except (SlowDown, Redirected):
            self.breaker.worked()
            raise
        except OutOfTime:
            if self.clock() - began < FAIR_SECONDS:
                self.breaker.abandoned()
            else:
                self.breaker.failed()
            raise
        except Unavailable:
            self.breaker.failed()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.worked()
        return answer

    def _tried(self, path: str, params: Params, headers: Mapping[str, str], end: float) -> Answer:
        failure: CallFailed = OutOfTime("there was no time left to ask it")
        for attempt in range(self.patience.tries):
            if attempt:
                pause = self._pause(attempt)
                if self.clock() + pause >= end or self._asks_for_more(failure):
                    break
                self.sleep(pause)
            if self.clock() >= end:
                break
            outcome = self._once(path, params, headers, end)
            if isinstance(outcome, Answer):
                return outcome
            failure = outcome
            if type(failure) is not Unavailable:  # the same question would be answered as large again
                break
        if type(failure) is Unavailable and self.clock() >= self.deadline:
            failure = OutOfTime(failure.reason, sample=failure.sample)
        # raised here, outside of any handler: the library's exceptions carry the request with its headers
        raise failure

    def _asks_for_more(self, failure: CallFailed) -> bool:
        asked = failure.retry_after
        return asked is not None and asked.total_seconds() > self.patience.longest_pause

    def _pause(self, attempt: int) -> float:
        longest: float = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
        return longest * random.uniform(0.5, 1)  # noqa: S311  # spreads the load, hides nothing

    def _once(self, path: str, params: Params, headers: Mapping[str, str], end: float) -> Answer | CallFailed:
        remaining = max(end - self.clock(), 0.01)
        limits = httpx2.Timeout(min(IDLE_SECONDS, remaining), connect=min(CONNECT_SECONDS, remaining))
        guard = Guard(remaining, self._line)
        try:
            with (
                guard,
                self.wire.stream(
                    "GET",
                    self.base + path,
                    params=list(params),
                    headers=dict(headers),
                    timeout=limits,
                    extensions={"trace": guard.watch},
                ) as response,
            ):
                if 300 <= response.status_code < 400:
                    return redirected(response)
                body = self._body(response, end)
                return body if isinstance(body, CallFailed) else _read(response, body)
        except (httpx2.TransportError, httpx2.DecodingError) as problem:
            return Unavailable(reason_of(problem, guard))

    def _body(self, response: httpx2.Response, end: float) -> bytes | CallFailed:
        declared = response.headers.get("content-length", "")
        too_large = TooLarge(LARGER)
        if declared.isdigit() and int(declared) > MAX_BYTES:
            return too_large
        pieces, size = [], 0
        for piece in response.iter_bytes():  # inflated in pieces of a mebibyte at most
            size += len(piece)
            if size > MAX_BYTES:
                return too_large
            if self.clock() >= end:
                return Unavailable("its answer took too long")
            pieces.append(piece)
        return b"".join(pieces)


@contextmanager
def client(
    host: str,
    *,
    provider: str,
    patience: Patience = OF_A_TASK,
    deadline: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    transport: httpx2.BaseTransport | None = None,
) -> Iterator[Client]:
    """A client for one provider's host, or for the operator's TOKENTRA_<PROVIDER>_BASE_URL in its place.

    Without a deadline all its calls together have what `patience` gives to one, so that nobody hangs on a provider.
    """
    own = settings.PROVIDER_BASE_URLS.get(provider, "")
    base = _base(own or host, may_be_plain=bool(own))
    one = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
    wire = httpx2.Client(
        transport=transport or httpx2.HTTPTransport(verify=trusted(), limits=one, trust_env=False),
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": user_agent(), "accept": "application/json", "accept-encoding": "gzip"},
    )
    with wire:
        end = clock() + patience.seconds if deadline is None else deadline
        yield Client(base, wire, breaker_of(f"{provider} {base}"), patience, clock, sleep, end)


@cache
def trusted() -> ssl.SSLContext:
    """Reading the certificates takes a tenth of a second: once is enough."""
    return httpx2.create_ssl_context(trust_env=False)


def user_agent() -> str:
    return f"TokenTra/{settings.VERSION} (+{settings.SITE_URL})"


def _base(address: str, *, may_be_plain: bool) -> str:
    """Scheme, host and port of an address; a path `/v1` at its end is what people add by habit."""
    parts = urlsplit(address.strip())
    allowed = ("https", "http") if may_be_plain else ("https",)
    if parts.scheme not in allowed or not parts.hostname or parts.username or parts.password:
        raise ValueError(f"a provider's address is {' or '.join(allowed)} with a host and no password")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _read(response: httpx2.Response, body: bytes) -> Answer | CallFailed:
    status, headers = response.status_code, {name.lower(): value for name, value in response.headers.items()}
    asked_to_wait = retry_after(headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return SlowDown("it asked for fewer requests", sample=_sample(body), retry_after=asked_to_wait)
    if status >= 500 or status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY):
        return Unavailable(
            f"it answered with an error of its own ({status})",
            sample=_sample(body),
            retry_after=asked_to_wait,
        )
    try:
        parsed = _parsed(body)
    except (ValueError, RecursionError):
        if status < 400:
            return Unavailable(f"it answered {status} with something that is not JSON", sample=_sample(body))
        return Answer(status, None, headers, _sample(body))
    return Answer(status, parsed, headers, raw=body)


def _parsed(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal, parse_constant=Decimal)


def _question(path: str, params: Params) -> str:
    return sha256(f"{path}?{urlencode(list(params), errors='replace')}".encode(errors="replace")).hexdigest()


def _remembered(raw: bytes) -> Answer:
    if raw == TOO_LARGE:
        raise TooLarge(LARGER)
    return Answer(HTTPStatus.OK, _parsed(raw))


def redirected(response: httpx2.Response) -> Redirected:
    return Redirected(f"it pointed to another address ({response.status_code}), which is never followed")


def reason_of(problem: httpx2.TransportError | httpx2.DecodingError, guard: Guard) -> str:
    """Why nothing came, in our words."""
    if isinstance(problem, httpx2.ConnectTimeout):
        return "it could not be reached within 5 seconds"
    if isinstance(problem, httpx2.ConnectError):
        return "it could not be reached"
    if isinstance(problem, httpx2.DecodingError):
        return "its answer was damaged on the way"
    is_late = isinstance(problem, httpx2.TimeoutException) or guard.has_struck
    return "it did not answer in time" if is_late else "the connection broke off"


def _sample(body: bytes) -> str:
    return mask(body[: 2 * SAMPLE].decode(errors="replace"))[:SAMPLE]
