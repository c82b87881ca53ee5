"""Scripts of what goes wrong: which request, how often, and what happens instead of the answer.

A rule is `{"match": {...}, "do": {"action": ..., ...}}`. `match` may name provider, path (a regular
expression searched in the path), query (the same for the query text), account, page (1 is a request without
a cursor; lists know only 1 and 2), nth (from the nth matching request on), every (then each so many-th) and
times (how often, default always). The first rule that fires decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import formatdate
from threading import Lock
from time import time
from typing import Any
from urllib.parse import urlencode

from .mutations import MUTATIONS, mutate
from .wire import Answer, Cursors, Refused, Request, encode

Script = list[dict[str, Any]]

REPLACING = {"status", "rate_limited", "html", "redirect", "unauthorized_wave"}
DELIVERING = {"reset", "hang", "drip", "truncated", "wrong_length", "huge", "gzip_bomb"}
LINGERING = {"hang", "drip"}
ACTIONS = REPLACING | DELIVERING | set(MUTATIONS) | {"other_account"}
_MATCHES = {"provider", "path", "query", "account", "page", "nth", "every", "times"}

_HTML = b"<!doctype html><html><head><title>Just a moment</title></head><body><h1>502</h1></body></html>"


@dataclass
class Rule:
    match: dict[str, Any]
    do: dict[str, Any]
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if unknown := set(self.match) - _MATCHES:
            raise ValueError(f"cannot match by {', '.join(sorted(unknown))}")
        if self.do.get("action") not in ACTIONS:
            raise ValueError(f"no such action: {self.do.get('action')!r}")

    @property
    def action(self) -> str:
        return str(self.do["action"])

    def fires(self, request: Request, provider: str, account: str | None, page: int) -> bool:
        """Count this request if it matches, and say whether its turn has come."""
        wanted = self.match
        if wanted.get("provider", provider) != provider or wanted.get("account", account) != account:
            return False
        if not re.search(wanted.get("path", ""), request.path) or wanted.get("page", page) != page:
            return False
        if not re.search(wanted.get("query", ""), request.query):
            return False
        self.seen += 1
        late = self.seen - wanted.get("nth", 1)
        if late < 0 or late % wanted.get("every", 1) or self.fired >= wanted.get("times", float("inf")):
            return False
        self.fired += 1
        return True


@dataclass
class Faults:
    """The script in force."""

    rules: list[Rule] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def load(self, script: Script) -> None:
        rules = [Rule(dict(entry.get("match", {})), dict(entry["do"])) for entry in script]
        with self._lock:
            self.rules = rules

    def pick(self, request: Request, provider: str, account: str | None, page: int) -> Rule | None:
        with self._lock:
            for rule in self.rules:
                if rule.fires(request, provider, account, page):
                    return rule
        return None

    def report(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"match": rule.match, "do": rule.do, "seen": rule.seen, "fired": rule.fired} for rule in self.rules]


def replaced(rule: Rule, request: Request, provider: Any) -> Answer:
    """The answer that comes instead of the provider's own."""
    do = rule.do
    if rule.action == "html":
        return Answer(do.get("status", 200), _HTML, {"content-type": "text/html; charset=utf-8"})
    if rule.action == "redirect":
        target = do.get("location", "/elsewhere")
        return Answer(do.get("status", 302), b"", {"location": target})
    if rule.action == "unauthorized_wave":
        answer: Answer = provider.refuse(provider.wave())
        return answer
    status = do.get("status", 429 if rule.action == "rate_limited" else 500)
    message = do.get("message", "Slow down." if status == 429 else "Something went wrong on our side.")
    shaped: Answer = provider.refuse(Refused(status, message))
    body = do.get("body")
    if isinstance(body, str):
        shaped.body = body.encode()
    elif body is not None:
        shaped.body = encode(body)
    shaped.headers |= {name.lower(): str(value) for name, value in do.get("headers", {}).items()}
    if "retry_after" in do:
        shaped.headers["retry-after"] = str(do["retry_after"])
    elif "retry_after_date" in do:
        shaped.headers["retry-after"] = formatdate(time() + do["retry_after_date"], usegmt=True)
    return shaped


def mutated(rule: Rule, answer: Answer, loop: Loop) -> Answer | None:
    """The provider's own answer, spoilt; None when it had nothing to spoil, which does not count."""
    body = mutate(rule.action, rule.do, answer.body, loop.token) if answer.status == 200 else None
    if body is None:
        rule.fired -= 1
        return None
    return Answer(200, body, answer.headers)


class Loop:
    """Cursors that lead back to where they came from: unwrapped before the provider sees them."""

    def __init__(self, request: Request, cursors: Cursors) -> None:
        self._cursors = cursors
        token = next((value for name, value in request.pairs if name == "page"), None)
        state = cursors.peek(token) if token else None
        self._inner = state["inner"] if state and "inner" in state else token
        self._turn = state["turn"] if state and "inner" in state else 0
        self.request = request
        if state and "inner" in state:
            pairs = [pair for pair in request.pairs if pair[0] != "page"]
            kept = pairs + ([("page", self._inner)] if self._inner else [])
            self.request = Request(request.method, request.path, urlencode(kept), request.headers)

    @property
    def page(self) -> int:
        """Which page of its query this request asks for."""
        names = {name for name, _ in self.request.pairs}
        state = self._cursors.peek(self._inner) if self._inner else None
        first = state.get("page", 1) if state else 2 if names & {"after", "after_id", "before_id"} else 1
        return int(first) + self._turn

    def token(self, *, advancing: bool) -> str:
        """A cursor for the page that was just served, the same one each time or a new one."""
        return self._cursors.mint({"inner": self._inner, "turn": self._turn + (1 if advancing else 0)})
