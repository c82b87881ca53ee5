"""A request of a Django project begins with no customer and leaves none behind.

Put "tokentra_sdk.django.middleware" first in MIDDLEWARE.
"""

from __future__ import annotations

import inspect
from typing import Any

from tokentra_sdk.context import RequestScope, request_scope
from tokentra_sdk.wsgi import Pieces


def middleware(get_response: Any) -> Any:
    if inspect.iscoroutinefunction(get_response) or hasattr(get_response, "_is_coroutine"):

        async def answer_async(request: Any) -> Any:
            with request_scope() as scope:
                response = await get_response(request)
            return streamed(response, scope)

        return answer_async

    def answer(request: Any) -> Any:
        with request_scope() as scope:
            response = get_response(request)
        return streamed(response, scope)

    return answer


middleware.sync_capable = middleware.async_capable = True  # type: ignore[attr-defined]  # as Django asks for it


def streamed(response: Any, scope: RequestScope) -> Any:
    """What a response streams is made while it is sent, except for files."""
    if getattr(response, "streaming", False) and not hasattr(response, "file_to_stream"):
        pieces = response.streaming_content
        response.streaming_content = (
            async_pieces(pieces, scope) if hasattr(pieces, "__aiter__") else Pieces(pieces, scope)
        )
    return response


async def async_pieces(pieces: Any, scope: RequestScope) -> Any:
    steps = pieces.__aiter__()
    try:
        while True:
            with scope:
                try:
                    piece = await steps.__anext__()
                except StopAsyncIteration:
                    return
            yield piece
    finally:
        if hasattr(steps, "aclose"):
            await steps.aclose()
