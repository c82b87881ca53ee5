"""Mistral's client, also on Azure and Google Cloud: chat, code, agents, conversations, OCR and embeddings."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

from tokentra_sdk.calls import Call
from tokentra_sdk.families.methods import Newest, watch_methods
from tokentra_sdk.usage import Number, Usage, count, disjoint, get, told
from tokentra_sdk.watching import Begun, Reader, Wrapped

CLOUDS = {"azure": "azure", "gcp": "google"}


def wrap(client: Any, wrapped: Wrapped) -> bool:
    if not callable(get(client, "chat", "complete")):
        return False
    provider = provider_of(client)
    for path, ways in PARTS.items():
        part = get(client, *path)
        if part is not None:
            begins = {name: functools.partial(begun, wrapped, provider, way) for name, way in ways.items()}
            watch_methods(part, wrapped, {**begins, **{f"{name}_async": begin for name, begin in begins.items()}})
    return True


def provider_of(client: Any) -> str:
    module = type(client).__module__
    return next((name for cloud, name in CLOUDS.items() if cloud in module), "mistral")


@dataclass(frozen=True)
class Way:
    """What a method's calls are, how an answer is read and, where it answers a stream, how that is."""

    operation: str
    whole: Callable[[Any], Usage]
    reader: Optional[Callable[[], Reader]] = None


def begun(wrapped: Wrapped, provider: str, way: Way, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun:
    model = kwargs.get("model") or kwargs.get("agent_id")
    call = Call(wrapped.sdk, wrapped.provider or provider, model, way.operation)
    return Begun(call, args, kwargs, way.whole, way.reader() if way.reader else None, body=kwargs)


def whole(answer: Any) -> Usage:
    usage, tier = get(answer, "usage"), told(get(answer, "usage", "service_tier"))
    named: dict[str, Any] = {
        "model": told(get(answer, "model")),
        "request_id": told(get(answer, "id")),
        "service_tier": "default" if tier == "standard" else tier,
    }
    if get(usage, "prompt_tokens") is None:
        return Usage(source="missing", **named)
    tokens = disjoint(
        going_in=count(usage, "prompt_tokens"),
        coming_out=count(usage, "completion_tokens"),
        cache_read=count(usage, "prompt_tokens_details", "cached_tokens") or count(usage, "num_cached_tokens"),
    )
    heard = count(usage, "prompt_audio_seconds")
    return Usage(tokens=tokens, units={"audio_second": heard} if heard else {}, **named)


class StreamReader(Reader):
    """Each piece stands below `data`; the last one tells the usage."""

    def __init__(self) -> None:
        self.newest = Newest(whole, "id", "model", decides="usage")

    def see(self, piece: Any) -> object:
        self.newest.see(get(piece, "data"))
        self.is_whole = self.newest.is_whole
        return None

    def usage(self) -> Usage | None:
        return self.newest.usage()


# Conversations


def conversation(answer: Any) -> Usage:
    """What connectors brought is read by the model beside what it was asked."""
    usage = get(answer, "usage")
    model = next(filter(None, (told(get(each, "model")) for each in get(answer, "outputs") or ())), None)
    if usage is None:
        return Usage(model, source="missing")
    going_in = count(usage, "prompt_tokens") + count(usage, "connector_tokens")
    called = get(usage, "connectors")
    units: dict[str, Number] = {}
    for name in called if isinstance(called, Mapping) else ():
        if number := count(called, name):
            units[name] = number
    return Usage(model, disjoint(going_in=going_in, coming_out=count(usage, "completion_tokens")), units)


class ConversationReader(Reader):
    """The model stands in the pieces of its answer, the usage in the last event."""

    def __init__(self) -> None:
        self.model: str | None = None
        self.last: Any = None

    def see(self, piece: Any) -> object:
        event = get(piece, "data")
        self.model = self.model or told(get(event, "model"))
        if get(event, "usage") is not None:
            self.last, self.is_whole = event, True
        return None

    def usage(self) -> Usage | None:
        found = conversation(self.last)
        found.model = found.model or self.model
        return found


def scanned(answer: Any) -> Usage:
    """OCR is billed by the page."""
    pages = count(answer, "usage_info", "pages_processed")
    model = told(get(answer, "model"))
    return Usage(model, units={"page": pages}) if pages else Usage(model, source="missing")


# Of each part of a client: its methods, of which some versions lack some.
COMPLETING = {"complete": Way("chat", whole), "stream": Way("chat", whole, StreamReader)}
PARTS: Mapping[tuple[str, ...], Mapping[str, Way]] = {
    ("chat",): COMPLETING,
    ("fim",): COMPLETING,
    ("agents",): COMPLETING,
    ("embeddings",): {"create": Way("embeddings", whole)},
    ("beta", "conversations"): {
        **{name: Way("chat", conversation) for name in ("start", "append", "restart")},
        **{f"{name}_stream": Way("chat", conversation, ConversationReader) for name in ("start", "append", "restart")},
    },
    ("ocr",): {"process": Way("ocr", scanned)},
}
