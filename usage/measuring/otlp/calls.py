"""Turns spans that are model calls into events; all others only tell what lies above what. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from usage.measuring.otlp import dialects, litellm
from usage.measuring.otlp.dialects import DIALECTS, Dialect, Names
from usage.measuring.otlp.spans import Mark, Span, Value
from usage.measuring.reading import TOO_LARGE, Refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLION = 1_000_000
LONGEST_JSON = 10_000
NOT_A_SERVICE = "unknown_service"
STANDARD = {"standard", "auto", "standard_only"}
DEEPEST = 200
Attributes = Mapping[str, Value | None]


def folded(name: str) -> str:
    """customerId, customer_id and customer.id are one name."""
    return name.replace("_", "").replace(".", "").replace("-", "").lower()


OURS = {folded(name): name for name in dialects.ATTRIBUTION} | {
    "customer": "customerId",
    "user": "userId",
    "run": "runId",
    "promptname": "prompt",
}


# For the name of each attribute, whom it may tell; of services the resource tells.
ASKED: dict[str, list[str]] = {}
for _ours, _names in dialects.ATTRIBUTION.items():
    for _name in _names if _ours != "project" else ():
        ASKED.setdefault(_name, []).append(_ours)


def first(attributes: Attributes, names: Names) -> Value | None:
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def dialect_of(attributes: Attributes) -> Dialect:
    for dialect in DIALECTS:
        for mark in dialect.marks:
            if mark in attributes or (mark.endswith(".") and any(name.startswith(mark) for name in attributes)):
                return dialect
    return dialects.NONE


@dataclass
class Told:
    """One span with what it says of itself."""

    span: Span
    dialect: Dialect

    @cached_property
    def kind(self) -> str:
        value = first(self.span.attributes, self.dialect.kind)
        return value.lower() if isinstance(value, str) else ""

    @cached_property
    def is_call(self) -> bool:
        """One of a model, or anything else that tells the tokens of one, such as an agent's span."""
        attributes, dialect = self.span.attributes, self.dialect
        if self.kind in dialects.CALLS:
            return True
        is_told = any(name in attributes for name in (*dialect.input, *dialect.output))
        return bool(is_told and first(attributes, dialect.provider) and first(attributes, dialect.model))

    @property
    def is_tool(self) -> bool:
        return self.kind in dialects.TOOLS and not self.is_call

    @property
    def is_total(self) -> bool:
        """Its sender says that it repeats others."""
        return str(self.span.attributes.get(dialects.IS_TOTAL)).lower() == "true"

    @cached_property
    def attribution(self) -> dict[str, Value]:
        """Whose it was, in the names of events; what customers name otherwise stands under "tags"."""
        attributes = self.span.attributes
        asked = {ours for name in attributes for ours in ASKED.get(name, ())}
        found = {ours: value for ours in asked if (value := first(attributes, dialects.ATTRIBUTION[ours])) is not None}
        return found | {ours: value for name, value in self.own_names if (ours := OURS.get(folded(name)))}

    @cached_property
    def own_names(self) -> list[tuple[str, Value]]:
        """What a customer's code named itself."""
        found = []
        for name, value in self.span.attributes.items():
            if name.startswith(dialects.OWN_NAMES) and value is not None and name != dialects.IS_TOTAL:
                beginning = next(each for each in dialects.OWN_NAMES if name.startswith(each))
                found.append((name.removeprefix(beginning), value))
        metadata = from_json(self.span.attributes.get("metadata"))
        return found + [(name, value) for name, value in metadata.items() if isinstance(value, Value)]


@dataclass
class Calls:
    """The model calls among the spans of one request. `left_out` counts what was not made an event, by reason."""

    spans: Sequence[Span]
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.told = {span.ref: Told(span, dialect_of(span.attributes)) for span in self.spans if span.trace}
        self._of_resources: dict[int, dict[str, Value]] = {}  # by the identity of what the spans hold

    def events(self) -> list[dict[str, Any] | Refused]:
        """As a customer would send them. A span without ids becomes one that is refused."""
        found: list[dict[str, Any] | Refused] = []
        for span in self.spans:
            if not span.trace:
                found.append(nameless(span))
            elif (told := self.told[span.ref]).is_call and span.is_too_large:
                found.append(Refused("event_too_large", TOO_LARGE))
            elif told.is_call:
                self._count_content(span)
                found.append(self._event(told))
            else:
                self.left_out["not_a_model_call"] += 1
        return found

    def _event(self, told: Told) -> dict[str, Any]:
        span, dialect = told.span, told.dialect
        attributes = litellm.completed(span.attributes)
        parameters = from_json(first(attributes, dialects.PARAMETERS))
        told_error = span.has_failed or "error.type" in attributes
        error = error_of(span) if told_error else ""
        event: dict[str, Any] = {
            "id": span.ref,
            "occurredAt": moment(span.start),
            "provider": provider_of(attributes, dialect),
            "model": first(attributes, dialect.model) or parameters.get("model"),
            "operation": told.kind or None,
            "latencyMs": (span.end - span.start) // MILLION if span.end >= span.start > 0 else None,
            "timeToFirstTokenMs": first_token_ms(span),
            "streaming": is_streaming(span, parameters),
            "status": status_of(error) if told_error else "ok",
            "errorCode": error or None,
            "requestId": first(attributes, dialects.REQUEST_ID),
            "serviceTier": tier_of(first(attributes, dialects.SERVICE_TIER)),
            "parentId": span.above or None,
            "runId": span.trace,
        }
        tokens = tokens_of(attributes, dialect, str(event["provider"] or ""))
        if tokens is not None:
            event["tokens"] = tokens
        elif not told_error:
            event |= {"tokens": {}, "usageSource": "missing"}
        service = span.resource.get("service.name")
        if isinstance(service, str) and not service.startswith(NOT_A_SERVICE):
            event["project"] = service
        event |= {name: as_text(value) for name, value in self._attribution(told).items()}
        tags = {name: value for name, value in told.own_names if folded(name) not in OURS}
        event["tags"] = tags | {name: attributes[name] for name in dialects.KEPT_AS_TAGS if name in attributes}
        return {name: value for name, value in event.items() if value is not None}

    def _attribution(self, told: Told) -> dict[str, Value]:
        found: dict[str, Value] = {}
        at: Told | None = told
        for _ in range(DEEPEST):
            if at is None:
                break
            found = at.attribution | found
            at = self.told.get(at.span.above)
        return self._of_resource(told.span.resource) | found

    def _of_resource(self, resource: Attributes) -> dict[str, Value]:
        """The same for all spans of a group."""
        known = self._of_resources.get(id(resource))
        if known is None:
            told = Told(Span("", "", "", 0, 0, False, resource, {}, ()), dialects.NONE)
            known = self._of_resources[id(resource)] = told.attribution
        return known

    def _count_content(self, span: Span) -> None:
        count = sum(name.startswith(dialects.CONTENT) and name not in dialects.NO_CONTENT for name in span.attributes)
        count += sum(mark.name.startswith(dialects.CONTENT_MARKS) for mark in span.marks)
        if count:
            self.left_out["content"] += count


def nameless(span: Span) -> dict[str, Any]:
    return {"id": "", "provider": "unknown", "model": "unknown", "status": "error"}


def tokens_of(attributes: Attributes, dialect: Dialect, provider: str) -> dict[str, Any] | None:
    """Disjoint classes; None where nothing is told. What is no count is passed on, so that it is refused by name."""
    told = {
        name: whole(value) for name in IN_EVENTS if (value := first(attributes, getattr(dialect, name))) is not None
    }
    if not told:
        return None
    if wrong := {name: value for name, value in told.items() if not is_count(value)}:
        return {IN_EVENTS[name]: value for name, value in wrong.items()}
    counts = {name: int(value) for name, value in told.items()}
    read, written = counts.get("cache_read", 0), counts.get("cache_write", 0)
    going_in, coming_out = counts.get("input", 0), counts.get("output", 0)
    is_apart = provider.startswith(dialect.apart) if dialect.apart else False
    if is_apart and "ai.usage.inputTokenDetails.noCacheTokens" not in attributes:
        going_in += read + written
    going_in = max(going_in, 0) if going_in >= read + written else going_in + read + written  # it was apart after all
    audio_in = max(counts.get("audio_in", 0) - counts.get("cached_audio", 0), 0)
    image_in = max(counts.get("image_in", 0) - counts.get("cached_image", 0), 0)
    audio_out, image_out = counts.get("audio_out", 0), counts.get("image_out", 0)
    for_an_hour = min(counts.get("cache_write_1h", 0), written)
    return {
        "input": max(going_in - read - written - audio_in - image_in, 0),
        "cacheRead": read,
        "cacheWrite30m" if provider == "openai" else "cacheWrite5m": written - for_an_hour,
        "cacheWrite1h": for_an_hour,
        "output": max(coming_out - audio_out - image_out, 0),
        "reasoning": counts.get("reasoning", 0),
        "audioIn": audio_in,
        "imageIn": image_in,
        "audioOut": audio_out,
        "imageOut": image_out,
    }


IN_EVENTS = {
    "input": "input",
    "output": "output",
    "cache_read": "cacheRead",
    "cache_write": "cacheWrite5m",
    "cache_write_1h": "cacheWrite1h",
    "reasoning": "reasoning",
    "audio_in": "audioIn",
    "audio_out": "audioOut",
    "image_in": "imageIn",
    "image_out": "imageOut",
    "cached_audio": "audioIn",
    "cached_image": "imageIn",
}


def whole(value: Value) -> Value:
    """JavaScript has no whole numbers, and some libraries send texts."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else value


def is_count(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def provider_of(attributes: Attributes, dialect: Dialect) -> Value | None:
    provider = first(attributes, dialect.provider)
    if dialect is dialects.VERCEL and isinstance(provider, str):  # "openai.chat", "google.generative-ai"
        return provider.split(".")[0]
    return provider


def error_of(span: Span) -> str:
    told = span.attributes.get("error.type") or next(
        (mark.attributes.get("exception.type") for mark in span.marks if mark.name == "exception"), None
    )
    return str(told).rsplit(".", 1)[-1] if told else "error"


def status_of(error: str) -> str:
    if "timeout" in error.lower():
        return "timeout"
    return "cancelled" if "cancel" in error.lower() else "error"


def tier_of(value: Value | None) -> str | None:
    if not isinstance(value, str):
        return None
    return "default" if value in STANDARD else value


def is_streaming(span: Span, parameters: Mapping[str, Any]) -> bool | None:
    told = first(span.attributes, dialects.STREAMING)
    if isinstance(told, str):
        return told.lower() == "true"
    if told is None and (parameters.get("stream") is True or first_token(span)):
        return True
    return bool(told) if told is not None else None


def first_token(span: Span) -> Mark | None:
    return next((mark for mark in span.marks if mark.name in dialects.FIRST_TOKEN_MARKS), None)


def first_token_ms(span: Span) -> int | None:
    for names, factor in ((dialects.FIRST_TOKEN_S, 1000), (dialects.FIRST_TOKEN_MS, 1)):
        told = first(span.attributes, names)
        try:
            if told is not None and 0 <= float(told) < MILLION:
                return round(float(told) * factor)
        except (ValueError, OverflowError):
            continue
    mark = first_token(span)
    return (mark.at - span.start) // MILLION if mark and mark.at >= span.start > 0 else None


def moment(nanoseconds: int) -> datetime | str | None:
    """None where none was told; what lies outside of the calendar stays a number that is refused."""
    if not nanoseconds:
        return None
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return str(nanoseconds)


def as_text(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def from_json(text: object) -> dict[str, Any]:
    if not isinstance(text, str) or not text.startswith("{") or len(text) > LONGEST_JSON:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
