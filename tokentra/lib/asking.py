"""Asking a server whose address a customer typed: through the wall, once, within ten seconds, for a small answer.

It looks like the session of another library, for callers that expect that one: `get`, `request`, `json`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tokentra.lib.egress import BadAddress, Wall, checked
from tokentra.lib.guard import Guard
from tokentra.lib.http import CONNECT_SECONDS
from tokentra.lib.posting import transport

SECONDS = 10.0
LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, whatever its status."""

    status_code: int
    headers: httpx2.Headers
    content: bytes
    failure: type[Exception]

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            raise self.failure("its answer is no JSON") from None

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise self.failure(f"it answered {self.status_code}")


class Session:
    """Raises `failure` for whatever cannot be asked or read. Redirects are not followed."""

    def __init__(self, failure: type[Exception]) -> None:
        self.failure, self.wall = failure, Wall()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Said:
        return self.request("GET", url, headers=headers)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> Said:
        try:
            return self._ask(method, checked(url), params=params, data=data, headers=headers, auth=pair(auth))
        except BadAddress as refusal:
            raise self.failure(str(refusal)) from None
        except (httpx2.TransportError, httpx2.DecodingError):
            raise self.failure(self.wall.refusal or "it could not be reached") from None

    def _ask(self, method: str, url: str, **told: Any) -> Said:
        guard = Guard(SECONDS, [])
        limits = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
        watched = {"trace": guard.watch}
        wire = httpx2.Client(transport=transport(self.wall), trust_env=False)
        with wire, guard, wire.stream(method, url, timeout=limits, extensions=watched, **told) as answer:
            if 300 <= answer.status_code < 400:
                raise self.failure("it points elsewhere")
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise self.failure("its answer is too large")
            return Said(answer.status_code, answer.headers, content, self.failure)


def pair(auth: Any) -> tuple[str, str] | None:
    """Name and password, of whatever the caller's library keeps them in."""
    return (auth.username, auth.password) if auth is not None else None
