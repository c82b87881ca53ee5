"""Whose calls these are: customer, feature, run and alike, for the code that runs now and for nothing else.

What is set holds in one thread or task, and in the tasks that it starts. A request of a framework has a record of its
own besides: frameworks run parts of one request in different threads, and what one part sets there, the next one sees.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Callable, Optional, TypeVar, cast

from tokentra_sdk.ids import minted
from tokentra_sdk.texts import LONGEST_NAME, MOST_TAGS, text

F = TypeVar("F", bound=Callable[..., Any])

# Our names, and what events call them. Whatever else is named becomes a tag.
FIELDS = {
    "customer_id": "customerId",
    "user_id": "userId",
    "feature": "feature",
    "team": "team",
    "agent": "agent",
    "prompt": "prompt",
    "environment": "environment",
    "run_id": "runId",
    "parent_id": "parentId",
    "tool": "tool",
    "purpose": "purpose",
    "project": "project",
    "cost_center": "costCenter",
}


class Calls:
    """The calls that were made directly in one scope; the latest one is what a tool below it was asked for by."""

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.latest: Optional[str] = None


class Attribution:
    """What is known of the calls made now. Never changed: what sets something makes another one."""

    __slots__ = ("calls", "fields", "tags")

    def __init__(self, fields: Mapping[str, str], tags: Mapping[str, str], calls: Calls | None) -> None:
        """`calls` is None outside of any scope: there, one call has nothing to do with the next."""
        self.fields, self.tags, self.calls = fields, tags, calls

    def changed(self, named: Mapping[str, object], calls: Calls | None = None) -> Attribution:
        """None forgets what was set."""
        fields, tags = dict(self.fields), dict(self.tags)
        for name, value in named.items():
            if name in FIELDS:
                put(fields, FIELDS[name], value)
            else:
                put(tags, text(name, LONGEST_NAME), value)
        return Attribution(fields, dict(list(tags.items())[:MOST_TAGS]), calls or self.calls)


def put(into: dict[str, str], name: str, value: object) -> None:
    into.pop(name, None)
    if value is not None and value != "":
        into[name] = text(value)


NOTHING = Attribution({}, {}, None)


class Request:
    """What was set anywhere in one request of a framework."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}


_current: ContextVar[Optional[Attribution]] = ContextVar("tokentra_attribution", default=None)
_request: ContextVar[Optional[Request]] = ContextVar("tokentra_request", default=None)


def current() -> Attribution:
    found = _current.get() or NOTHING
    request = _request.get()
    if request is not None and request.fields:
        return Attribution({**request.fields, **found.fields}, found.tags, found.calls)
    return found


def set_customer_id(customer_id: object) -> None:
    """Calls made from here on are for this customer, until another is set or the request or scope ends."""
    _set({"customer_id": customer_id})


def set_user_id(user_id: object) -> None:
    """As `set_customer_id`, for the person who asks."""
    _set({"user_id": user_id})


def _set(named: Mapping[str, object]) -> None:
    request = _request.get()
    if request is not None:
        for name, value in named.items():
            put(request.fields, FIELDS[name], value)
    _current.set((_current.get() or NOTHING).changed(named))


class Scope:
    """For a `with` or `async with` block, or around a function: what is named holds inside, and ends with it."""

    def __init__(self, named: Mapping[str, object], *, is_below: bool = False) -> None:
        """`is_below`: its calls stand below the call that was made last around it."""
        self._named, self._is_below = named, is_below
        self._tokens: list[tuple[Token[Optional[Attribution]], Optional[Attribution]]] = []

    def __enter__(self) -> Scope:
        before = current()
        named = dict(self._named)
        if self._is_below and "parent_id" not in named and before.calls and before.calls.latest:
            named["parent_id"] = before.calls.latest
        self._tokens.append((_current.set(before.changed(named, Calls())), before))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        token, before = self._tokens.pop()
        try:
            _current.reset(token)
        except ValueError:  # a generator that was begun in one context may be ended in another
            _current.set(before)

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, at)

    def again(self) -> Scope:
        """The same for another time, or at the same time elsewhere."""
        return Scope(self._named, is_below=self._is_below)

    def __call__(self, function: F) -> F:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def within_async(*args: Any, **kwargs: Any) -> Any:
                with self.again():
                    return await function(*args, **kwargs)

            return cast(F, within_async)
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def within_async_steps(*args: Any, **kwargs: Any) -> Any:
                scope, steps = self.again(), function(*args, **kwargs)
                try:
                    while True:
                        with scope:
                            try:
                                step = await steps.__anext__()
                            except StopAsyncIteration:
                                return
                        yield step
                finally:
                    await steps.aclose()

            return cast(F, within_async_steps)
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def within_steps(*args: Any, **kwargs: Any) -> Any:
                scope, steps, sent = self.again(), function(*args, **kwargs), None
                try:
                    while True:
                        with scope:
                            try:
                                step = steps.send(sent)
                            except StopIteration as end:
                                return end.value
                        sent = yield step
                finally:
                    steps.close()

            return cast(F, within_steps)

        @functools.wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self.again():
                return function(*args, **kwargs)

        return cast(F, within)


class Run(Scope):
    """One run of a program; `id` names it."""

    def __init__(self, id: str | None, named: Mapping[str, object]) -> None:
        self._given = id
        self.id = id or minted()
        super().__init__({**named, "run_id": self.id})

    def __enter__(self) -> Run:
        super().__enter__()
        return self

    async def __aenter__(self) -> Run:
        return self.__enter__()

    def again(self) -> Scope:
        """A function that is called twice makes two runs, unless its run was named."""
        return Run(self._given, {name: value for name, value in self._named.items() if name != "run_id"})


def attributes(**named: object) -> Scope:
    """Calls inside are for this feature, team, customer_id and so on; names that are not ours become tags."""
    return Scope(named)


def run(id: str | None = None, **named: object) -> Run:
    """Calls inside belong to one run, which gets an id where none is given."""
    return Run(id, named)


def agent(name: str, **named: object) -> Scope:
    """Calls inside are made by this agent."""
    return Scope({**named, "agent": name}, is_below=True)


def tool(name: str, **named: object) -> Scope:
    """Calls inside are made by this tool; in a run's tree they stand below the call that was made before it."""
    return Scope({**named, "tool": name}, is_below=True)


class RequestScope:
    """One request: it begins with nothing set and leaves nothing behind. Entered again, one after another, it goes on
    with what was set in it: a body that is sent piece by piece belongs to its request."""

    __slots__ = ("_before", "_held", "_request")

    def __init__(self) -> None:
        self._request = Request()
        self._held: Optional[Attribution] = None
        self._before: tuple[Optional[Attribution], Optional[Request]] = (None, None)

    def __enter__(self) -> RequestScope:
        self._before = _current.get(), _request.get()
        _current.set(self._held)
        _request.set(self._request)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._held = _current.get()
        current, request = self._before
        _current.set(current)
        _request.set(request)


def request_scope() -> RequestScope:
    """For a `with` block around each message that a worker takes: a customer set inside is forgotten at its end."""
    return RequestScope()
