"""A request of a WSGI application, such as Flask, begins with no customer and leaves none behind.

app.wsgi_app = tokentra_sdk.wsgi.Middleware(app.wsgi_app)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokentra_sdk.context import RequestScope, request_scope


class Middleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with request_scope() as scope:
            body = self.app(environ, start_response)
        file = environ.get("wsgi.file_wrapper")
        if isinstance(body, (list, tuple)) or (isinstance(file, type) and isinstance(body, file)):
            return body  # nothing more is done for it
        return Pieces(body, scope)


class Pieces:
    """A body whose pieces are made while it is sent, each within its request."""

    def __init__(self, body: Any, scope: RequestScope) -> None:
        self._body, self._scope = body, scope
        self._pieces: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._scope:
            if self._pieces is None:
                self._pieces = iter(self._body)
            return next(self._pieces)

    def close(self) -> None:
        if hasattr(self._body, "close"):
            with self._scope:
                self._body.close()
