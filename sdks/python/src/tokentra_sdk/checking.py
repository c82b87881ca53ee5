"""Looks whether events would arrive: address, key, clock, the disk, and one event that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from importlib import metadata
from typing import Optional
from urllib.error import HTTPError
from urllib.request import Request

from tokentra_sdk.asking import Asker
from tokentra_sdk.calls import instant
from tokentra_sdk.config import CLOSED, Config, configured
from tokentra_sdk.families import PACKAGES
from tokentra_sdk.ids import minted
from tokentra_sdk.losses import Counts
from tokentra_sdk.posting import Outcome, opener, post
from tokentra_sdk.sender import encode
from tokentra_sdk.spool import Spool
from tokentra_sdk.verdicts import Silence
from tokentra_sdk.version import VERSION

FAST, LATE = 600, 30 * 86_400  # seconds by which an event's time may lie ahead, and back


@dataclass(frozen=True)
class Finding:
    """`is_good` is None where something is told that is neither."""

    is_good: Optional[bool]
    what: str
    sentence: str

    def __str__(self) -> str:
        mark = {True: "ok   ", False: "FAIL ", None: "     "}[self.is_good]
        return f"{mark}{self.what}: {self.sentence}"


def check(url: str | None = None, api_key: str | None = None, *, timeout: float = 10.0) -> Iterator[Finding]:
    """Step by step; ends at the first that fails and makes the next ones pointless."""
    config = configured(url=url, api_key=api_key)
    yield Finding(None, "SDK", f"tokentra_sdk {VERSION}; {libraries()}")
    if config.problem:
        yield Finding(False, "Set-up", config.problem)
        return
    yield Finding(True, "Set-up", f"{config.url} with a key that ends in {config.api_key[-4:]}.")
    date = None
    try:
        request = Request(f"{config.url}/healthz")  # noqa: S310  # its scheme was looked at when it was set
        try:
            with opener.open(request, timeout=timeout) as answer:
                date = answer.headers.get("Date")
        except HTTPError as error:
            with error:
                date = error.headers.get("Date")
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        yield Finding(False, "Address", f"{config.url} cannot be reached: {reason}.")
        return
    yield Finding(True, "Address", "something answers there.")
    if clock := clock_of(date):
        yield clock
    yield on_disk(config)
    yield test_event(config, timeout)
    yield before_calls(config, timeout)


def clock_of(date: str | None) -> Finding | None:
    try:
        ahead = time.time() - parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return None
    said = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's"
    if -LATE < ahead < FAST:
        return Finding(True, "Clock", "right." if abs(ahead) < 2 else f"{said}.")
    return Finding(False, "Clock", f"{said}: events with such times are rejected. Set this machine's clock.")


def on_disk(config: Config) -> Finding:
    if config.spool is None:
        return Finding(None, "Disk", "nothing is kept there.")
    spool = Spool(config.spool.parent / f"check-{minted()}", config.most_spooled, Counts())
    is_kept = spool.put([b"{}"])
    if spool.directory is not None and (kept := spool.oldest()):
        kept.done()
        spool.directory.rmdir()
    if not is_kept:
        sentence = f"{config.spool.parent} cannot be written to, or others may write there. Set TOKENTRA_SPOOL_DIR."
        return Finding(False, "Disk", sentence)
    waiting = Spool(config.spool, config.most_spooled, Counts()).waiting()
    return Finding(True, "Disk", f"events can wait below {config.spool.parent}; {waiting} do.")


def test_event(config: Config, timeout: float) -> Finding:
    event = {
        "id": minted(),
        "occurredAt": instant(time.time()),
        "provider": "tokentra",
        "model": "test-event",
        "operation": "test",
        "purpose": "test",
        "tokens": {},
        "cost": {"amount": "0", "currency": "USD"},
        "tags": {"sdk": f"python {VERSION}"},
    }
    answer = post(config, [encode(event).encode()], timeout=timeout)
    if answer.outcome is not Outcome.DONE:
        return Finding(False, "Test event", answer.sentence)
    if answer.problems:
        return Finding(False, "Test event", f"rejected: {answer.problems[0].get('message')}")
    return Finding(True, "Test event", f"stored, as {event['id']}.")


def before_calls(config: Config, timeout: float) -> Finding:
    """Of a call that costs nothing, so that nothing is reserved. Only where calls wait for it, silence is a fault."""
    here = {"": "this program does not ask (TOKENTRA_CHECK)", CLOSED: "without an answer calls are not made"}
    does = here.get(config.check, "without an answer calls are made")
    question = {"provider": "tokentra", "model": "test-event", "estimatedCost": "0"}
    began = time.perf_counter()
    answer = Asker(replace(config, check_timeout=timeout)).ask(encode(question).encode()).result()
    took = round((time.perf_counter() - began) * 1000)
    if isinstance(answer, Silence):
        return Finding(False if config.check else None, "Check before calls", f"{answer.sentence} Here, {does}.")
    if answer.refused is not None:
        return Finding(None, "Check before calls", f"{answer.refused} Here, {does}.")
    slows = f", and slows them by {answer.delay:g} s" if answer.delay else ""
    return Finding(True, "Check before calls", f"answers in {took} ms that calls may be made{slows}; {does}.")


def libraries() -> str:
    found = []
    for name in DISTRIBUTIONS:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return f"it reports {', '.join(found)}." if found else "no library is installed whose calls it reports."


# As they are installed; of a package that is not named here, its own name is.
INSTALLED_AS = {"botocore": "boto3", "google.genai": "google-genai"}
DISTRIBUTIONS = tuple(INSTALLED_AS.get(package, package) for package in PACKAGES)
