"""Handing a body to an address: the other way out, for what we tell instead of ask."""

from collections.abc import Mapping
from datetime import timedelta

import httpcore2
import httpx2

from tokentra.lib.egress import Wall
from tokentra.lib.guard import Guard
from tokentra.lib.http import CONNECT_SECONDS, CallFailed, Unavailable, reason_of, redirected, trusted
from tokentra.lib.http import user_agent as our_name
from tokentra.lib.waiting import retry_after

SECONDS = 10.0


def post(
    url: str, content: bytes, *, headers: Mapping[str, str], wall: Wall | None = None
) -> tuple[int, timedelta | None]:
    """POST JSON once, within ten seconds. What is answered is not read.

    An operator's own address was checked by `config`; one that a customer typed was checked by `egress`, and goes
    through its `wall`. Returns the status, and how long we are asked to wait. Raises CallFailed when nobody answers
    or the answer points elsewhere: that is never followed.
    """
    guard = Guard(SECONDS, [])
    wire = httpx2.Client(transport=transport(wall), trust_env=False)
    sent = {"content-type": "application/json", "user-agent": our_name()} | dict(headers)
    limits = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
    watched = {"trace": guard.watch}
    failure: CallFailed
    try:
        with (
            wire,
            guard,
            wire.stream("POST", url, content=content, headers=sent, timeout=limits, extensions=watched) as answer,
        ):
            if not 300 <= answer.status_code < 400:
                return answer.status_code, retry_after(answer.headers)
            failure = redirected(answer)
    except (httpx2.TransportError, httpx2.DecodingError) as problem:
        failure = Unavailable((wall.refusal if wall else "") or reason_of(problem, guard))
    # raised here, outside of any handler: the library's exceptions carry the request with its headers
    raise failure


def transport(wall: Wall | None) -> httpx2.HTTPTransport:
    made = httpx2.HTTPTransport(verify=trusted(), trust_env=False)
    if wall is not None:  # the library takes no backend for its pool of connections, so the pool is ours
        made._pool = httpcore2.ConnectionPool(ssl_context=trusted(), network_backend=wall)
    return made
