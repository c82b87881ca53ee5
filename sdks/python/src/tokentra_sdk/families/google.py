"""Google's client for Gemini, by its own API and by Vertex: contents, their streams, embeddings and images."""

from __future__ import annotations

import functools
from typing import Any, Callable

from tokentra_sdk.calls import Call
from tokentra_sdk.families.methods import Newest, watch_methods
from tokentra_sdk.usage import Usage, count, get, present, told
from tokentra_sdk.watching import Begin, Begun, Wrapped


def wrap(client: Any, wrapped: Wrapped) -> bool:
    """A call that runs functions asks several times: each time is one request, and comes by the inner method."""
    models = get(client, "models")
    if not callable(get(models, "generate_content")):
        return False
    for each in (models, get(client, "aio", "models")):
        if each is not None:
            watch_methods(each, wrapped, begins(each, wrapped))
    return True


# What a call is, how its answer is read, and whether it is a stream.
Asked = tuple[str, Callable[[Any], Usage], bool]


def begins(models: Any, wrapped: Wrapped) -> dict[str, Begin]:
    asked: dict[str, Asked] = {
        "generate_content": ("chat", content, False),
        "generate_content_stream": ("chat", content, True),
        "embed_content": ("embeddings", embeddings, False),
        "generate_images": ("image", images, False),
        "edit_image": ("image", images, False),
        "upscale_image": ("image", images, False),
    }
    return {
        f"_{name}" if hasattr(models, f"_{name}") else name: functools.partial(begun, wrapped, what)
        for name, what in asked.items()
    }


def begun(wrapped: Wrapped, what: Asked, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun:
    operation, whole, is_streaming = what
    model = kwargs.get("model") or (args[0] if args else None)
    call = Call(wrapped.sdk, wrapped.provider or "google", last_part(model), operation)
    return Begun(call, args, kwargs, whole, ContentReader() if is_streaming else None, body=kwargs)


def last_part(name: Any) -> str | None:
    """`models/gemini-2.5-flash` and longer names end with the model."""
    said = told(name)
    return said.rsplit("/", 1)[-1] if said else None


def content(answer: Any) -> Usage:
    """Cached tokens are a part of the prompt, and of its modalities; thoughts come on top of the candidates."""
    usage = get(answer, "usage_metadata")
    named: dict[str, Any] = {
        "model": last_part(get(answer, "model_version")),
        "request_id": told(get(answer, "response_id")),
        "service_tier": tier_of(answer),
    }
    if get(usage, "prompt_token_count") is None:
        return Usage(source="missing", **named)
    cached = count(usage, "cached_content_token_count")
    going_in, from_cache, coming_out = (
        by_modality(get(usage, f"{name}_tokens_details")) for name in ("prompt", "cache", "candidates")
    )
    audio_in, image_in = (max(going_in.get(kind, 0) - from_cache.get(kind, 0), 0) for kind in ("AUDIO", "IMAGE"))
    audio_out, image_out = coming_out.get("AUDIO", 0), coming_out.get("IMAGE", 0)
    thoughts = count(usage, "thoughts_token_count")
    prompt = count(usage, "prompt_token_count") + count(usage, "tool_use_prompt_token_count")
    tokens = {
        "input": max(prompt - cached - audio_in - image_in, 0),
        "cacheRead": cached,
        "output": max(count(usage, "candidates_token_count") - audio_out - image_out, 0) + thoughts,
        "reasoning": thoughts,
        "audioIn": audio_in,
        "audioOut": audio_out,
        "imageIn": image_in,
        "imageOut": image_out,
    }
    return Usage(tokens=present(tokens), **named)


class ContentReader(Newest):
    """Each piece may tell what was used until then; the one that finishes tells all."""

    def __init__(self) -> None:
        super().__init__(content, "model_version", "response_id", "sdk_http_response", decides="usage_metadata")
        self.is_finished = False

    def see(self, piece: Any) -> object:
        super().see(piece)
        candidates = get(piece, "candidates")
        self.is_finished |= any(get(each, "finish_reason") is not None for each in candidates or ())
        self.is_finished |= get(piece, "prompt_feedback", "block_reason") is not None
        self.is_whole = self.is_finished and self.decides in self.seen
        return None

    def usage(self) -> Usage | None:
        found = super().usage()
        if found is not None and not self.is_finished:
            found.source = "missing"
        return found


def by_modality(details: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in details if isinstance(details, (list, tuple)) else ():
        kind = str(told(get(each, "modality")) or "").upper()
        sums[kind] = sums.get(kind, 0) + count(each, "token_count")
    return sums


TIERS = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}


def tier_of(answer: Any) -> str | None:
    """Vertex says it with the usage, Gemini's own API in a header."""
    traffic = told(get(answer, "usage_metadata", "traffic_type"))
    headers = get(answer, "sdk_http_response", "headers")
    said = told(get(headers, "x-gemini-service-tier"))
    return TIERS.get(traffic or "") or ("default" if said == "standard" else said)


def embeddings(answer: Any) -> Usage:
    """Vertex tells the tokens of each text, or of all."""
    tokens = count(answer, "usage_metadata", "prompt_token_count")
    each = [get(one, "statistics", "token_count") for one in get(answer, "embeddings") or ()]
    if not tokens and each and None not in each:
        tokens = sum(int(number) for number in each)
    return Usage(tokens={"input": tokens}) if tokens else Usage(source="missing")


def images(answer: Any) -> Usage:
    made = get(answer, "generated_images")
    return Usage(units={"image": len(made)}) if made else Usage(source="missing")
