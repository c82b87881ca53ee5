"""Stands between a program and a method of its client, and changes nothing: same arguments, answers and errors.

A family of clients says which calls are model calls and how to read their answers; what follows from that is here.
"""

from __future__ import annotations

import functools
import inspect
import json
import types
import weakref
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional

from tokentra_sdk.calls import Call
from tokentra_sdk.usage import Usage, get

if TYPE_CHECKING:
    from tokentra_sdk.client import TokenTra
    from tokentra_sdk.guarding import Guard

# Of a body that is read a second time for its usage; of a larger one only the end is, where usage stands.
LARGEST_RAW, LONGEST_END = 64 * 1024, 8 * 1024
HIDDEN = object()


class Reader(ABC):
    """Reads a stream piece by piece. `is_whole`: all that tells of usage has come, whether or not it is read on."""

    is_whole = False

    @abstractmethod
    def see(self, piece: Any) -> object:
        """Answers HIDDEN for what only we have asked for."""

    @abstractmethod
    def usage(self) -> Usage | None:
        """What is known by now; None where nothing is."""


@dataclass
class Begun:
    """A call that is on its way, with the arguments that go to the client."""

    call: Call
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    whole: Callable[[Any], Optional[Usage]]
    reader: Reader | None = None  # where a stream is asked for
    body: Any = None  # what the model is asked, where this is a new call of one
    again: Callable[[BaseException], bool] = field(default=lambda _: False)  # whether to ask as the program did
    second: tuple[tuple[Any, ...], dict[str, Any]] | None = None  # what is asked again, where that is not the program's
    may_be_raw: bool = False  # whether programs can ask this client for answers as the network brought them
    inside: Callable[[Any], None] | None = None  # watches what an answer holds, where the usage comes with that


Begin = Callable[[tuple[Any, ...], dict[str, Any]], Optional[Begun]]


class Wrapped:
    """To whom a client reports; `wrap` with another TokenTra changes it."""

    def __init__(self, sdk: TokenTra, provider: str | None) -> None:
        self.sdk, self.provider = sdk, provider


MARK = "_tokentra_wrapped"


def watched(wrapped: Wrapped, method: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    """The method, watched. Where `begin` answers None, the call is no model call and passes by."""

    def safely(act: Callable[..., Any], *args: Any) -> Any:
        return wrapped.sdk.safely(act, *args)

    def answered(begun: Begun, answer: Any) -> Any:
        found = safely(read, begun, answer)
        return answer if found is None else found

    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def ask_async(*args: Any, **kwargs: Any) -> Any:
            begun = safely(begin, args, kwargs)
            if begun is None:
                return await method(*args, **kwargs)
            if wrapped.sdk.guard is not None:
                await wrapped.sdk.guard.before_async(begun)
            try:
                answer = await method(*begun.args, **begun.kwargs)
            except BaseException as error:
                if not safely(begun.again, error):
                    safely(begun.call.failed, error)
                    raise
                again = begun.second or (args, kwargs)
                try:
                    answer = await method(*again[0], **again[1])
                except BaseException as refused:
                    safely(begun.call.failed, refused)
                    raise
            return answered(begun, answer)

        return ask_async

    inner = inspect.unwrap(method)
    is_later = inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)

    @functools.wraps(method)
    def ask(*args: Any, **kwargs: Any) -> Any:
        begun = safely(begin, args, kwargs)
        if begun is None:
            return method(*args, **kwargs)
        guard = wrapped.sdk.guard
        if guard is not None and not is_later:
            guard.before(begun)
        try:
            answer = method(*begun.args, **begun.kwargs)
        except BaseException as error:
            if not safely(begun.again, error):
                safely(begun.call.failed, error)
                raise
            again = begun.second or (args, kwargs)
            try:
                answer = method(*again[0], **again[1])
            except BaseException as refused:
                safely(begun.call.failed, refused)
                raise
        if inspect.isawaitable(answer) and not hasattr(answer, "__aiter__"):
            return awaited(begun, answer, answered, guard if is_later else None)
        if guard is not None and inspect.isasyncgen(answer):
            answer = guarded_steps(begun, answer, guard)
        return answered(begun, answer)

    return ask


async def guarded_steps(begun: Begun, pieces: Any, guard: Guard) -> Any:
    """What has not begun before its first piece is asked for may still be refused."""
    try:
        await guard.before_async(begun)
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()


async def awaited(
    begun: Begun, answer: Awaitable[Any], answered: Callable[[Begun, Any], Any], guard: Guard | None
) -> Any:
    if guard is not None:
        try:
            await guard.before_async(begun)
        except BaseException:
            if inspect.iscoroutine(answer):
                answer.close()
            raise
    try:
        found = await answer
    except BaseException as error:
        begun.call.sdk.safely(begun.call.failed, error)
        raise
    return answered(begun, found)


def read(begun: Begun, answer: Any) -> Any:
    """The answer, watched where its usage comes later. None stands for the answer as it is."""
    if begun.may_be_raw and hasattr(answer, "http_response") and hasattr(answer, "parse"):
        read_raw(begun, answer)
        return None
    if begun.inside is not None:
        begun.inside(answer)
        return None
    if begun.reader is None:
        begun.call.succeeded(begun.whole(answer))
        return None
    begun.call.is_streaming = True
    return watch_stream(answer, begun.call, begun.reader)


# Answers as the network brought them, which the program reads itself


def read_raw(begun: Begun, answer: Any) -> None:
    """From the body where it is here; else when the program parses it or closes it."""
    if begun.reader is None and is_read(answer):
        begun.call.succeeded(from_body(begun, answer))
        return
    begun.call.is_streaming = begun.reader is not None
    parse, closing = answer.parse, [name for name in ("close", "aclose") if hasattr(answer, name)]

    def parsed(found: Any) -> Any:
        if begun.reader is not None:
            watched_stream = watch_stream(found, begun.call, begun.reader)
            return found if watched_stream is None else watched_stream
        begun.call.succeeded(begun.whole(found))
        return found

    answer.parse = after(begun, parse, parsed)
    for name in closing:
        setattr(answer, name, after(begun, getattr(answer, name), functools.partial(closed, begun, answer)))
    if not closing:
        weakref.finalize(answer, begun.call.succeeded, None)


def closed(begun: Begun, answer: Any, result: Any) -> Any:
    if begun.reader is None and is_read(answer):
        begun.call.succeeded(from_body(begun, answer))
    elif not begun.call.is_streaming or not begun.call.first:
        begun.call.succeeded(None)
    return result


def after(begun: Begun, method: Callable[..., Any], then: Callable[[Any], Any]) -> Callable[..., Any]:
    """The method, with something done with its result; whether it is awaited or not."""

    def done(result: Any) -> Any:
        found = begun.call.sdk.safely(then, result)
        return result if found is None else found

    async def done_later(result: Any) -> Any:
        return done(await result)

    @functools.wraps(method)
    def act(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        return done_later(result) if inspect.iscoroutine(result) else done(result)

    return act


def is_read(answer: Any) -> bool:
    return hasattr(get(answer, "http_response"), "_content")


def from_body(begun: Begun, answer: Any) -> Usage | None:
    response = answer.http_response
    body: bytes = response.content
    if "json" not in str(response.headers.get("content-type") or ""):
        return begun.whole(None)
    return begun.whole(json.loads(body) if len(body) <= LARGEST_RAW else end_of(body))


def end_of(body: bytes) -> dict[str, Any]:
    """The usage alone, of an answer that is too large to be read twice while a program waits."""
    name = b'"usage":'
    start = body.rfind(name, len(body) - LONGEST_END)
    if start < 0:
        return {}
    usage, _ = json.JSONDecoder().raw_decode(body[start + len(name) :].decode("utf-8", "replace").lstrip())
    return {"usage": usage}


# Streams


def watch_stream(stream: Any, call: Call, reader: Reader) -> Any:
    """The same stream, watched. A generator is replaced by one; another object keeps being what it is."""
    call.is_streaming = True
    if inspect.isgenerator(stream):
        return steps(stream, Watch(call, reader), is_all=True)
    if inspect.isasyncgen(stream):
        return async_steps(stream, Watch(call, reader), is_all=True)
    kind = type(stream)
    if WATCH in getattr(stream, "__dict__", {}):
        return stream
    try:
        stream.__class__ = watching(kind)
    except TypeError:  # made in another language: it cannot be watched, and says so
        call.succeeded(None)
        return None
    watch = Watch(call, reader)
    stream.__dict__[WATCH] = watch
    weakref.finalize(stream, watch.dropped)
    return stream


WATCH = "_tokentra_watch"


class Watch:
    """What has been seen of one stream."""

    def __init__(self, call: Call, reader: Reader) -> None:
        self.call, self.reader = call, reader

    def piece(self, piece: Any) -> bool:
        """Whether the program is to see it."""
        self.call.sdk.safely(self.call.came)
        return self.call.sdk.safely(self.reader.see, piece) is not HIDDEN

    def ended(self) -> None:
        self.call.sdk.safely(lambda: self.call.succeeded(self.reader.usage()))

    def dropped(self) -> None:
        end = self.call.succeeded if self.reader.is_whole else self.call.stopped
        self.call.sdk.safely(lambda: end(self.known()))

    def failed(self, error: BaseException) -> None:
        self.call.sdk.safely(lambda: self.call.failed(error, self.known()))

    def known(self) -> Usage | None:
        """Of a call that did not come to its end a part is known at best, which is no figure to count on."""
        found = self.reader.usage()
        if found is not None and not self.reader.is_whole:
            found.source = "missing"
        return found


def steps(pieces: Any, watch: Watch, *, is_all: bool = False) -> Iterator[Any]:
    """`is_all`: nothing else holds these pieces, so that whoever leaves them has left the stream."""
    try:
        for piece in pieces:
            if watch.piece(piece):
                yield piece
    except GeneratorExit:
        if is_all:
            watch.dropped()
        pieces.close()
        raise
    except BaseException as error:
        watch.failed(error)
        raise
    watch.ended()


async def async_steps(pieces: Any, watch: Watch, *, is_all: bool = False) -> Any:
    try:
        async for piece in pieces:
            if watch.piece(piece):
                yield piece
    except GeneratorExit:
        if is_all:
            watch.dropped()
        await pieces.aclose()
        raise
    except BaseException as error:
        watch.failed(error)
        raise
    watch.ended()


_watching: dict[type, type] = {}


def watching(kind: type) -> type:
    """The class of a stream, with those of its ways to read and end it watched that it has."""
    if kind not in _watching:
        ways = {name: way(getattr(kind, name)) for name, way in WAYS.items() if hasattr(kind, name)}
        named = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        _watching[kind] = types.new_class(
            kind.__name__, (kind,), exec_body=lambda space: space.update({**ways, **named})
        )
    return _watching[kind]


Method = Callable[..., Any]


def reading(original: Method) -> Method:
    def read_all(self: Any) -> Any:
        pieces = original(self)
        return self if pieces is self else steps(pieces, self.__dict__[WATCH])

    return read_all


def reading_next(original: Method) -> Method:
    def read_next(self: Any) -> Any:
        watch = self.__dict__[WATCH]
        while True:
            try:
                piece = original(self)
            except StopIteration:
                watch.ended()
                raise
            except BaseException as error:
                watch.failed(error)
                raise
            if watch.piece(piece):
                return piece

    return read_next


def reading_async(original: Method) -> Method:
    def read_all_async(self: Any) -> Any:
        pieces = original(self)
        return self if pieces is self else async_steps(pieces, self.__dict__[WATCH])

    return read_all_async


def reading_async_next(original: Method) -> Method:
    async def read_next_async(self: Any) -> Any:
        watch = self.__dict__[WATCH]
        while True:
            try:
                piece = await original(self)
            except StopAsyncIteration:
                watch.ended()
                raise
            except BaseException as error:
                watch.failed(error)
                raise
            if watch.piece(piece):
                return piece

    return read_next_async


def ending(original: Method) -> Method:
    """Whoever ends a stream that has not come to its end has stopped the call."""
    if inspect.iscoroutinefunction(original):

        async def end_async(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return await original(self, *args, **kwargs)
            finally:
                self.__dict__[WATCH].dropped()

        return functools.wraps(original)(end_async)

    def end(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        finally:
            self.__dict__[WATCH].dropped()

    return functools.wraps(original)(end)


WAYS: dict[str, Callable[[Method], Method]] = {
    "__iter__": reading,
    "__next__": reading_next,
    "__aiter__": reading_async,
    "__anext__": reading_async_next,
    **dict.fromkeys(("close", "aclose", "__exit__", "__aexit__"), ending),
}
