"""What the clients of OpenAI and Anthropic have in common: every request passes one method of the client."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Callable, Optional

from tokentra_sdk.usage import get
from tokentra_sdk.watching import MARK, Begun, Wrapped, watched

BeginRequest = Callable[[Any, Wrapped, "tuple[Any, ...]", "dict[str, Any]"], Optional[Begun]]


def wrap_requests(client: Any, wrapped: Wrapped, begin: BeginRequest) -> bool:
    """Whatever resource asks, with raw answers or parsed ones, `request` is where it comes by."""
    if not callable(getattr(client, "request", None)) or not hasattr(client, "base_url"):
        return False
    client.request = watched(wrapped, client.request, functools.partial(begun, client, wrapped, begin))
    for name in ("copy", "with_options"):
        if hasattr(client, name):
            setattr(client, name, copied(wrapped, getattr(client, name), begin))
    return True


def begun(
    client: Any, wrapped: Wrapped, begin: BeginRequest, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Begun | None:
    found = begin(client, wrapped, args, kwargs)
    if found is not None:
        found.may_be_raw = True
        options = args[1] if len(args) > 1 else kwargs.get("options")
        if str(get(options, "method") or "").lower() == "post":
            found.body = body_of(options)
        if wrapped.sdk.routing is not None:
            wrapped.sdk.safely(wrapped.sdk.routing.route, found)
    return found


def copied(wrapped: Wrapped, copy: Callable[..., Any], begin: BeginRequest) -> Callable[..., Any]:
    """A copy with other options reports as the client does that it was made of."""

    @functools.wraps(copy)
    def make(*args: Any, **kwargs: Any) -> Any:
        client = copy(*args, **kwargs)
        if MARK not in client.__dict__ and wrapped.sdk.safely(wrap_requests, client, wrapped, begin):
            client.__dict__[MARK] = wrapped
        return client

    return make


def body_of(options: Any) -> dict[str, Any]:
    """What a request says, as far as it is a JSON object or a form."""
    body, extra = get(options, "json_data"), get(options, "extra_json")
    found = dict(body) if isinstance(body, Mapping) else {}
    return {**found, **extra} if isinstance(extra, Mapping) else found
