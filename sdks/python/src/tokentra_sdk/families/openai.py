"""OpenAI's client, and whoever speaks as OpenAI does: which requests are model calls, and what answers used."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any, Callable, Optional
from urllib.parse import urlsplit

from tokentra_sdk.calls import Call
from tokentra_sdk.families.requests import body_of, wrap_requests
from tokentra_sdk.usage import Usage, count, disjoint, get, told
from tokentra_sdk.watching import HIDDEN, Begun, Reader, Wrapped

# Whose models answer at an address; whoever is not listed speaks for OpenAI's.
HOSTS = {
    "openai.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "azure-api.net": "azure",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x-ai",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.perplexity.ai": "perplexity",
    "api.cerebras.ai": "cerebras",
    "api.moonshot.ai": "moonshotai",
    "api.mistral.ai": "mistral",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.anthropic.com": "anthropic",
    "googleapis.com": "google",
    "amazonaws.com": "aws",
}


def wrap(client: Any, wrapped: Wrapped) -> bool:
    return wrap_requests(client, wrapped, begun)


def provider_of(client: Any) -> str:
    if "Azure" in type(client).__name__:
        return "azure"
    return provider_at(str(get(client, "base_url") or ""))


@functools.lru_cache(maxsize=256)
def provider_at(address: str) -> str:
    host = urlsplit(address).hostname or ""
    return next((name for end, name in HOSTS.items() if host == end or host.endswith(f".{end}")), "openai")


def begun(client: Any, wrapped: Wrapped, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    """Of a request that the client is about to make: how it is read, or None where it is no model call."""
    options = args[1] if len(args) > 1 else kwargs.get("options")
    method, path = str(get(options, "method") or "").lower(), urlsplit(str(get(options, "url") or "")).path
    is_streaming = bool(kwargs.get("stream"))
    provider = wrapped.provider or provider_of(client)
    if method == "get":
        return retrieved(provider, wrapped, path, args, kwargs)
    kind = KINDS.get(path.removeprefix("/openai").rstrip("/")) if method == "post" else None
    if kind is None:
        return None
    operation, whole, reader = kind
    body = body_of(options)
    asked = Asked(operation, body)
    call = Call(wrapped.sdk, provider, body.get("model"), operation)
    found = Begun(call, args, kwargs, lambda answer: whole(answer, asked))
    if is_streaming:
        found.reader = reader(asked)
        if operation in ("chat", "text_completion"):
            ask_for_usage(found, client, options, body, asked)
    elif operation == "responses" and body.get("background"):
        found.whole = lambda answer: in_background(call, answer, asked)
    return found


class Asked:
    """What a request said that its answer does not tell, and that is no content."""

    def __init__(self, operation: str, body: Mapping[str, Any]) -> None:
        text = body.get("input") if operation == "speech" else None
        self.characters = len(text) if isinstance(text, str) else 0
        self.hides_usage = False


def ask_for_usage(found: Begun, client: Any, options: Any, body: Mapping[str, Any], asked: Asked) -> None:
    """A stream tells its usage at the end when it is asked to. The program sees the pieces that it asked for.

    A server that does not know the question refuses it; then it is asked as the program did, from then on.
    """
    given = body.get("stream_options")
    if (isinstance(given, Mapping) and given.get("include_usage")) or client.__dict__.get(REFUSED):
        return
    if given is not None and not isinstance(given, Mapping):
        return
    changed = copy.copy(options)
    changed.json_data = {**options.json_data, "stream_options": {**(given or {}), "include_usage": True}}
    extra = get(options, "extra_json")
    if isinstance(extra, Mapping) and "stream_options" in extra:
        changed.extra_json = {name: value for name, value in extra.items() if name != "stream_options"}
    if len(found.args) > 1:
        found.args = (found.args[0], changed, *found.args[2:])
    else:
        found.kwargs = {**found.kwargs, "options": changed}
    asked.hides_usage = True

    def again(error: BaseException) -> bool:
        if getattr(error, "status_code", None) not in (400, 422) or "stream_options" not in str(error):
            return False
        client.__dict__[REFUSED] = True
        asked.hides_usage = False
        return True

    found.again = again


REFUSED = "_tokentra_usage_refused"


# Chat and text


def chat(answer: Any, asked: Asked) -> Usage | None:
    return chat_usage(answer, get(answer, "usage"))


def chat_usage(answer: Any, usage: Any) -> Usage:
    """Images that are looked at stay a part of the input: they are billed as text is."""
    if usage is None:
        return Usage(told(get(answer, "model")), request_id=told(get(answer, "id")), source="missing")
    going_in, coming_out = get(usage, "prompt_tokens_details"), get(usage, "completion_tokens_details")
    return Usage(
        told(get(answer, "model")),
        disjoint(
            going_in=count(usage, "prompt_tokens"),
            coming_out=count(usage, "completion_tokens"),
            cache_read=count(going_in, "cached_tokens"),
            cache_write={"cacheWrite30m": count(going_in, "cache_write_tokens")},
            reasoning=count(coming_out, "reasoning_tokens"),
            audio_in=count(going_in, "audio_tokens"),
            audio_out=count(coming_out, "audio_tokens"),
        ),
        request_id=told(get(answer, "id")),
        service_tier=told(get(answer, "service_tier")),
    )


class ChatReader(Reader):
    """The last piece tells the usage of all; some servers tell it with every piece, growing."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.found: Usage | None = None

    def see(self, piece: Any) -> object:
        usage = get(piece, "usage") or get(piece, "x_groq", "usage")
        if usage is not None or self.found is None:
            self.found = chat_usage(piece, usage)
        if usage is None:
            return None
        choices = get(piece, "choices")
        if choices is not None and len(choices) == 0:
            self.is_whole = True
            return HIDDEN if self.asked.hides_usage else None
        return None

    def usage(self) -> Usage | None:
        return self.found


# Responses


def response(answer: Any, asked: Asked) -> Usage | None:
    usage = get(answer, "usage")
    going_in = get(usage, "input_tokens_details")
    writes = get(going_in, "cache_write_tokens_details")
    written = count(going_in, "cache_write_tokens")
    long_lived = count(writes, "ttl_12h_tokens")
    return Usage(
        told(get(answer, "model")),
        disjoint(
            going_in=count(usage, "input_tokens"),
            coming_out=count(usage, "output_tokens"),
            cache_read=count(going_in, "cached_tokens"),
            cache_write={"cacheWrite30m": max(written - long_lived, 0), "cacheWrite12h": long_lived},
            reasoning=count(usage, "output_tokens_details", "reasoning_tokens"),
        )
        if usage is not None
        else {},
        units=tools_of(answer),
        request_id=told(get(answer, "id")),
        service_tier=told(get(answer, "service_tier")),
        source="missing" if usage is None else "reported",
    )


CALLED = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_interpreter",
    "image_generation_call": "image_generation",
}


def tools_of(answer: Any) -> dict[str, Any]:
    """Tools of OpenAI's own that the model used: what is billed of them, where that is told, else how often."""
    units: dict[str, Any] = {}
    output = get(answer, "output")
    for item in output if isinstance(output, (list, tuple)) else ():
        if name := CALLED.get(get(item, "type") or ""):
            units[name] = units.get(name, 0) + 1
    billed = get(answer, "tool_usage", "web_search")
    if billed is not None:
        units.pop("web_search", None)
        if searches := count(billed, "num_requests"):
            units["web_search"] = searches
    return units


class ResponseReader(Reader):
    """The last event holds the whole response."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.found: Usage | None = None

    def see(self, piece: Any) -> object:
        told_of = get(piece, "response")
        if told_of is not None and (self.found is None or get(told_of, "usage") is not None):
            self.found = response(told_of, self.asked)
            self.is_whole = get(told_of, "usage") is not None
        return None

    def usage(self) -> Usage | None:
        return self.found


OPEN = ("queued", "in_progress")


def in_background(call: Call, answer: Any, asked: Asked) -> Usage | None:
    """What works on in the background tells its usage when it is asked for later; this call used nothing yet."""
    if get(answer, "status") in OPEN:
        call.forget()
        return None
    named_by(call, answer)
    return response(answer, asked)


def retrieved(
    provider: str, wrapped: Wrapped, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Begun | None:
    """A response of the background, once it is done; asked for again, it has the same id and time, and counts once."""
    if not path.startswith("/responses/") or path.count("/") != 2 or kwargs.get("stream"):
        return None
    call = Call(wrapped.sdk, provider, None, "responses")

    def whole(answer: Any) -> Usage | None:
        if not get(answer, "background") or get(answer, "status") in OPEN or get(answer, "usage") is None:
            call.forget()
            return None
        named_by(call, answer)
        return response(answer, Asked("responses", {}))

    def failed(error: BaseException) -> bool:
        call.forget()
        return False

    return Begun(call, args, kwargs, whole, again=failed)


def named_by(call: Call, answer: Any) -> None:
    at, id = get(answer, "created_at"), told(get(answer, "id"))
    if isinstance(at, (int, float)) and id:
        call.named(id, float(at))


# Embeddings, images, audio


def embedding(answer: Any, asked: Asked) -> Usage | None:
    usage = get(answer, "usage")
    if usage is None:
        return Usage(told(get(answer, "model")), source="missing")
    return Usage(told(get(answer, "model")), {"input": count(usage, "prompt_tokens")})


def images(answer: Any, asked: Asked) -> Usage | None:
    """Newer models tell tokens; older ones are billed by the image."""
    usage = get(answer, "usage")
    if usage is None:
        made = get(answer, "data")
        return Usage(units={"image": len(made)}) if isinstance(made, (list, tuple)) else None
    coming_out = count(usage, "output_tokens")
    details = get(usage, "output_tokens_details")
    drawn = coming_out if details is None else count(details, "image_tokens")
    return Usage(
        tokens=disjoint(
            going_in=count(usage, "input_tokens"),
            coming_out=coming_out,
            image_in=count(usage, "input_tokens_details", "image_tokens"),
            image_out=drawn,
        )
    )


class ImageReader(Reader):
    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.found: Usage | None = None

    def see(self, piece: Any) -> object:
        if get(piece, "usage") is not None:
            self.found, self.is_whole = images(piece, self.asked), True
        return None

    def usage(self) -> Usage | None:
        return self.found


def heard(answer: Any, asked: Asked) -> Usage | None:
    """Transcriptions and translations: tokens or seconds, as the model is billed."""
    usage = get(answer, "usage")
    seconds = get(usage, "seconds") if usage is not None else get(answer, "duration")
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
        return Usage(units={"audio_second": seconds})
    if usage is None:
        return Usage(source="missing")
    return Usage(
        tokens=disjoint(
            going_in=count(usage, "input_tokens"),
            coming_out=count(usage, "output_tokens"),
            audio_in=count(usage, "input_token_details", "audio_tokens"),
        )
    )


def spoken(answer: Any, asked: Asked) -> Usage | None:
    """Speech tells no usage. Its characters are what its older models are billed by."""
    if not asked.characters:
        return Usage(source="missing")
    return Usage(units={"character": asked.characters}, source="estimated")


class SoundReader(Reader):
    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.found: Usage | None = None

    def see(self, piece: Any) -> object:
        if get(piece, "usage") is not None:
            self.found, self.is_whole = heard(piece, self.asked), True
        return None

    def usage(self) -> Usage | None:
        return self.found


Kind = tuple[str, Callable[[Any, Asked], Optional[Usage]], Callable[[Asked], Reader]]
KINDS: Mapping[str, Kind] = {
    "/chat/completions": ("chat", chat, ChatReader),
    "/completions": ("text_completion", chat, ChatReader),
    "/responses": ("responses", response, ResponseReader),
    "/responses/compact": ("responses", response, ResponseReader),
    "/embeddings": ("embeddings", embedding, ChatReader),
    "/images/generations": ("image", images, ImageReader),
    "/images/edits": ("image", images, ImageReader),
    "/images/variations": ("image", images, ImageReader),
    "/audio/transcriptions": ("transcription", heard, SoundReader),
    "/audio/translations": ("translation", heard, SoundReader),
    "/audio/speech": ("speech", spoken, SoundReader),
}
