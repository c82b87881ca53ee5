"""One request to TokenTra: what was sent, and what its answer means for the events in it."""

from __future__ import annotations

import encodings.idna  # noqa: F401  # resolving a name needs it: a process forked while a thread imports it waits for ever
import gzip
import json
import random
import socket
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import Enum
from http.client import HTTPException, HTTPMessage
from math import isnan
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tokentra_sdk.config import Config
from tokentra_sdk.version import VERSION

LARGEST_ANSWER = 4 * 1024 * 1024
LONGEST_WAIT, FIRST_WAIT, BLOCKED_WAIT = 300.0, 1.0, 60.0
PACKED = 3  # gzip's level: our time counts more than the network's


class Outcome(Enum):
    DONE = "done"
    LATER = "later"  # the same again, after a while
    BLOCKED = "blocked"  # somebody has to set something right first
    REFUSED = "refused"  # never with these events


@dataclass(frozen=True)
class Answer:
    outcome: Outcome
    sentence: str = ""
    wait: float | None = None  # seconds, where the server says so
    accepted: int = 0
    duplicates: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)  # results that tell of events not stored


class NoRedirects(HTTPRedirectHandler):
    """A key goes to the address that was set and to no other."""

    def redirect_request(  # noqa: PLR0917  # as it is called
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


opener = build_opener(NoRedirects)


def post(config: Config, events: list[bytes], *, timeout: float) -> Answer:
    """Never raises for what a network or a server does."""
    body = gzip.compress(b'{"events":[' + b",".join(events) + b"]}", PACKED)
    request = Request(  # noqa: S310  # its scheme was looked at when it was set
        config.track,
        data=body,
        method="POST",
        headers={
            "Authorization": f"Bearer {config.api_key}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": f"tokentra-sdk-python/{VERSION}",
        },
    )
    try:
        with opener.open(request, timeout=timeout) as response:
            return stored(response.read(LARGEST_ANSWER))
    except HTTPError as error:
        with error:
            return refused(error)
    except (URLError, HTTPException, OSError, socket.timeout) as error:
        reason = getattr(error, "reason", error)
        return Answer(Outcome.LATER, f"{config.url} cannot be reached ({type(reason).__name__}).")


def stored(body: bytes) -> Answer:
    told = read(body)
    if not isinstance(told.get("accepted"), int):  # a proxy's page, not TokenTra
        return Answer(Outcome.LATER, "What answers at TOKENTRA_URL is not TokenTra.")
    problems = [each for each in told.get("results") or [] if each.get("status") in ("rejected", "conflict")]
    return Answer(
        Outcome.DONE,
        accepted=int(told["accepted"]),
        duplicates=int(told.get("duplicates") or 0),
        problems=problems,
    )


def refused(error: HTTPError) -> Answer:
    status = error.code
    try:
        body = error.read(LARGEST_ANSWER)
    except (OSError, HTTPException):
        body = b""
    told = read(body)
    if status == 422 and isinstance(told.get("results"), list):
        return stored(body)
    said = told.get("error")
    message = str(said.get("message") or "") if isinstance(said, dict) else ""
    sentence = f"The server answered {status}. {message}".strip()
    if status in (401, 403):
        return Answer(Outcome.BLOCKED, sentence)
    if status < 400 or status in (402, 404, 405, 408, 425, 429) or status >= 500:  # a wrong address may become right
        return Answer(Outcome.LATER, sentence, wait=told_wait(error.headers.get("Retry-After")))
    return Answer(Outcome.REFUSED, sentence)


def read(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def told_wait(header: str | None) -> float | None:
    """Seconds, from a number or a date; None where it says nothing that can be understood."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return None if isnan(seconds) else min(max(seconds, 0.0), LONGEST_WAIT)


def backoff(failures: int) -> float:
    """Doubling from one second to five minutes; half of it by chance, so that programs do not come back as one."""
    longest: float = min(FIRST_WAIT * 2.0 ** min(failures - 1, 16), LONGEST_WAIT)
    return longest * (0.5 + random.random() / 2)  # noqa: S311  # chance, not secrecy
