"""A request of an ASGI application, such as FastAPI or Starlette, begins with no customer and leaves none behind.

app.add_middleware(tokentra_sdk.asgi.Middleware)
"""

from __future__ import annotations

from typing import Any

from tokentra_sdk.context import request_scope


class Middleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        with request_scope():
            await self.app(scope, receive, send)
