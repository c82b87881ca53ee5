"""Pinecone's clients: what reads and writes of an index used, in units, and models that embed and rerank."""

from __future__ import annotations

import contextvars
import copy
import functools
import inspect
from typing import Any, Callable
from urllib.parse import urlsplit

from tokentra_sdk.calls import Call
from tokentra_sdk.families.methods import watch_methods
from tokentra_sdk.usage import Number, Usage, count, get, told
from tokentra_sdk.watching import MARK, Begin, Begun, Wrapped

# Methods of an index and of its documents; what one of them calls another for is told by that one.
INDEX = {
    "query": "query",
    "fetch": "fetch",
    "fetch_by_metadata": "fetch",
    "list_paginated": "list",
    "search": "search",
    "upsert": "upsert",
    "upsert_records": "upsert",
    "update": "update",
    "delete": "delete",
}
DOCUMENTS = {
    **{name: INDEX[name] for name in ("search", "fetch", "upsert", "update", "delete")},
    "batch_upsert": "upsert",
}
MODELS = {"embed": "embeddings", "rerank": "rerank"}
MAKING = ("index", "Index", "IndexAsyncio", "AsyncIndex")


def wrap(client: Any, wrapped: Wrapped) -> bool:
    if callable(get(client, "query")) and callable(get(client, "upsert")):
        wrap_index(client, wrapped)
    elif callable(get(client, "embed")) and callable(get(client, "rerank")):
        watch_all(client, wrapped, MODELS, None)
    elif any(callable(getattr(client, name, None)) for name in MAKING):
        for name in MAKING:
            if callable(getattr(client, name, None)):
                setattr(client, name, made(wrapped, getattr(client, name)))
        if (inference := getattr(client, "inference", None)) is not None:
            wrap_part(inference, wrapped)
    else:
        return False
    return True


def wrap_part(part: Any, wrapped: Wrapped) -> None:
    if MARK not in part.__dict__ and wrap(part, wrapped):
        part.__dict__[MARK] = wrapped


def made(wrapped: Wrapped, make: Callable[..., Any]) -> Callable[..., Any]:
    """An index that a wrapped client makes is wrapped, too; an asynchronous client makes it later."""

    @functools.wraps(make)
    def made_index(*args: Any, **kwargs: Any) -> Any:
        index = make(*args, **kwargs)
        if inspect.isawaitable(index):
            return later(index)
        wrapped.sdk.safely(wrap_part, index, wrapped)
        return index

    async def later(making: Any) -> Any:
        index = await making
        wrapped.sdk.safely(wrap_part, index, wrapped)
        return index

    return made_index


def wrap_index(index: Any, wrapped: Wrapped) -> None:
    address = told(get(index, "host")) or told(get(index, "config", "host")) or told(get(index, "_host")) or ""
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    name = host.partition(".svc.")[0] or None
    watch_all(index, wrapped, INDEX, name)
    if callable(getattr(index, "query_namespaces", None)):
        index.query_namespaces = in_its_threads(index, wrapped)
    if callable(getattr(getattr(index, "_executor", None), "submit", None)):
        index._executor.submit = carrying(index._executor.submit)
    if (documents := getattr(index, "documents", None)) is not None:
        watch_all(documents, wrapped, DOCUMENTS, name)


def in_its_threads(index: Any, wrapped: Wrapped) -> Callable[..., Any]:
    """It queries in threads of its own: there, the queries are for whom they are here."""
    method: Callable[..., Any] = index.query_namespaces

    def twin() -> Any:
        here = contextvars.copy_context()
        found = copy.copy(index)
        found.query = lambda *args, **kwargs: here.copy().run(index.query, *args, **kwargs)
        return functools.partial(type(index).query_namespaces, found)

    @functools.wraps(method)
    def query_namespaces(*args: Any, **kwargs: Any) -> Any:
        return (wrapped.sdk.safely(twin) or method)(*args, **kwargs)

    return query_namespaces


def carrying(submit: Callable[..., Any]) -> Callable[..., Any]:
    """By gRPC, what is asked for later is asked in other threads, for whom it is here."""

    @functools.wraps(submit)
    def submit_with_context(act: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return submit(contextvars.copy_context().run, act, *args, **kwargs)

    return submit_with_context


def watch_all(owner: Any, wrapped: Wrapped, operations: dict[str, str], model: str | None) -> None:
    begins: dict[str, Begin] = {
        name: functools.partial(begun, wrapped, operation, model) for name, operation in operations.items()
    }
    watch_methods(owner, wrapped, begins)


def begun(
    wrapped: Wrapped, operation: str, model: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Begun | None:
    if kwargs.get("async_req"):  # what it answers is not the answer yet
        return None
    asked = model or told(kwargs.get("model")) or (args[0] if args else None)
    return Begun(Call(wrapped.sdk, wrapped.provider or "pinecone", asked, operation), args, kwargs, used, body=kwargs)


UNITS = {"read_units": "read_unit", "write_units": "write_unit", "rerank_units": "rerank_unit"}


def used(answer: Any) -> Usage:
    """Units are told of what is read; of most writes an answer tells nothing."""
    usage = get(answer, "usage")
    id = told(get(answer, "response_info", "request_id"))
    if usage is None:
        return Usage(request_id=id, source="missing")
    units = {unit: number for name, unit in UNITS.items() if (number := quantity(get(usage, name)))}
    tokens = count(usage, "total_tokens") or count(usage, "embed_total_tokens")
    return Usage(tokens={"input": tokens} if tokens else {}, units=units, request_id=id)


def quantity(value: Any) -> Number:
    """Units may come in parts."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else 0
