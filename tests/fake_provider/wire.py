"""Requests, answers, refusals, cursors and exact numbers, as both providers put them on the wire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))

_MARKED = re.compile(r'"\\u0000([^"\\]*)\\u0000"')


@dataclass(frozen=True)
class Exact:
    """A JSON number in exactly this spelling: 4e-07, 0.10, NaN."""

    text: str


def _marked(value: Any) -> str:
    if isinstance(value, Exact):
        return f"\0{value.text}\0"
    raise TypeError(f"{type(value).__name__} does not belong into an answer")


def encode(value: Any) -> bytes:
    """Compact JSON with Exact numbers in their own spelling."""
    return _MARKED.sub(r"\1", json.dumps(value, default=_marked, separators=(",", ":"))).encode()


def decode(body: bytes) -> Any:
    """JSON with every fraction kept in its spelling, so that encode(decode(x)) loses nothing."""
    return json.loads(body, parse_float=Exact)


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A 4xx in words; each provider dresses it in its own shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = headers or {}


class Parameters:
    """Query parameters that know which names are lists and which are allowed."""

    def __init__(self, pairs: list[tuple[str, str]], *, lists: set[str], brackets: str) -> None:
        """`brackets` says how a list may be written: `optional` (a=1&a=2 or a[]=1) or `required` (a[]=1)."""
        self.values: dict[str, list[str]] = {}
        for name, value in pairs:
            bare = name.removesuffix("[]")
            if bare not in lists or (name == bare and brackets == "required"):
                # Under a name that no list has, so that a list without its brackets is not taken for one.
                self.values.setdefault(name if bare not in lists else f"{name} without []", []).append(value)
            else:
                self.values.setdefault(bare, []).append(value)

    def refuse_unknown(self, known: set[str]) -> None:
        for name in self.values:
            if name not in known:
                raise Refused(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")

    def one(self, name: str) -> str | None:
        values = self.values.get(name, [])
        if len(values) > 1:
            raise Refused(400, f"'{name}' was given more than once.", param=name, code="invalid_value")
        return values[0] if values else None

    def many(self, name: str) -> list[str]:
        return self.values.get(name, [])

    def choice(self, name: str, allowed: list[str], default: str | None = None) -> str | None:
        value = self.one(name)
        if value is not None and value not in allowed:
            raise Refused(
                400,
                f"Invalid value: '{value}'. Supported values are: {', '.join(allowed)}.",
                param=name,
                code="invalid_value",
            )
        return default if value is None else value

    def choices(self, name: str, allowed: list[str]) -> list[str]:
        for value in self.many(name):
            if value not in allowed:
                raise Refused(
                    400,
                    f"Invalid value: '{value}'. Supported values are: {', '.join(allowed)}.",
                    param=name,
                    code="invalid_value",
                )
        return list(dict.fromkeys(self.many(name)))

    def number(self, name: str, *, default: int | None, least: int, most: int | None = None) -> int | None:
        value = self.one(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d{1,15}", value):
            raise Refused(400, f"'{name}' must be an integer.", param=name, code="invalid_type")
        if int(value) < least or (most is not None and int(value) > most):
            limits = f"between {least} and {most}" if most is not None else f"at least {least}"
            raise Refused(400, f"'{name}' must be {limits}, got {value}.", param=name, code="invalid_value")
        return int(value)

    def flag(self, name: str) -> bool | None:
        value = self.choice(name, ["true", "false", "True", "False"])
        return None if value is None else value.lower() == "true"

    def fingerprint(self, *extra: str) -> str:
        """Stands for the exact query apart from its page."""
        kept = sorted((name, values) for name, values in self.values.items() if name != "page")
        return hashlib.sha256(json.dumps([kept, extra]).encode()).hexdigest()[:24]


class Cursors:
    """Opaque signed page tokens, each good for one exact query only."""

    def __init__(self, secret: bytes = b"not a secret, only opaque") -> None:
        self._secret = secret

    def mint(self, state: dict[str, Any]) -> str:
        body = json.dumps(state, sort_keys=True).encode()
        return "page_" + base64.urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")

    def peek(self, token: str) -> dict[str, Any] | None:
        """What a token of ours carries, None for any other text."""
        text = token.removeprefix("page_")
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        if not hmac.compare_digest(raw[:9], self._seal(raw[9:])):
            return None
        state: dict[str, Any] = json.loads(raw[9:])
        return state

    def read(self, token: str, fingerprint: str) -> dict[str, Any]:
        state = self.peek(token)
        if state is None or state["query"] != fingerprint:
            raise Refused(
                400,
                "Invalid page token: it must be used with the query that it came from.",
                param="page",
                code="invalid_value",
            )
        return state

    def _seal(self, body: bytes) -> bytes:
        return hmac.new(self._secret, body, hashlib.sha256).digest()[:9]
