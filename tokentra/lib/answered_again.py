"""What is refused until a moment is refused again at once, before anything else is done for whoever sends it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

UNTIL = "tokentra.refused_until"  # where a view's middleware leaves the moment in the WSGI environment, by the clock
MOST = 10_000
REQUEST_ID = "X-Request-Id"


@dataclass(frozen=True, slots=True)
class Refusal:
    until: float
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def again(self) -> tuple[list[tuple[str, str]], bytes]:
        """Headers and body with a request id of their own, as long as the first one."""
        former = dict(self.headers).get(REQUEST_ID, "")
        id = token_hex(len(former) // 2)
        headers = [(name, id if name == REQUEST_ID else value) for name, value in self.headers]
        return headers, self.body.replace(former.encode(), id.encode())


class AnsweredAgain:
    """Around a WSGI application: the same credential at the same door hears the same, without costing the others."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self._known: dict[int, Refusal] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name = named(environ)
        known = self._known.get(name)
        if known and known.until > time.time() and not environ.get("QUERY_STRING"):
            headers, body = known.again()
            start_response(known.status, headers)
            return [body]
        told: list[Any] = []

        def answered(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told[:] = status, headers
            return start_response(status, headers, *more)

        answer = self.application(environ, answered)
        if UNTIL not in environ:
            return answer
        body = b"".join(answer)
        getattr(answer, "close", lambda: None)()
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[name] = Refusal(environ[UNTIL], told[0], told[1], body)
        return [body]


def named(environ: dict[str, Any]) -> int:
    """Who asks for what, and in which kind of content; only a hash of it is kept."""
    names = ("HTTP_AUTHORIZATION", "REQUEST_METHOD", "PATH_INFO", "CONTENT_TYPE")
    return hash(tuple(environ.get(name) for name in names))
