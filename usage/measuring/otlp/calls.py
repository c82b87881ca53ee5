"""Turns spans that are model calls into events; all others only tell what lies above what. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from usage.measuring.otlp import dialects, errors
from usage.measuring.otlp.dialects import Names
from usage.measuring.otlp.spans import Mark, Span, Value
from usage.measuring.otlp.telling import Told, as_text, from_json, named
from usage.measuring.otlp.wording import Attributes, Wording, said_of, wording_of
from usage.measuring.reading import TOO_LARGE, Refused
from usage.measuring.shape import LONGEST_TEXT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLION, BILLION = 10**6, 10**9
NOT_A_SERVICE = "unknown_service"
STANDARD = {"standard", "auto", "standard_only"}
DEEPEST = 200
WENT_WELL = {"status": "ok"}
NEEDED = frozenset(("id", "provider", "model"))


@dataclass
class Calls:
    """The model calls among the spans of one request. `left_out` counts what was not made an event, by reason."""

    spans: Sequence[Span]
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        wordings: dict[Names, Wording] = {}
        self.told = {span.ref: Told(span, wordings) for span in self.spans if span.trace}
        self._of_resources: dict[int, dict[str, str]] = {}  # by the identity of what the spans hold

    def events(self) -> list[dict[str, Any] | Refused]:
        """As a customer would send them. A span that cannot be told from others becomes one that is refused."""
        found: list[dict[str, Any] | Refused] = []
        for span in self.spans:
            if not span.trace:
                found.append(Refused("invalid_field", span.wrong))
            elif (told := self.told[span.ref]).is_call and span.is_too_large:
                found.append(Refused("event_too_large", TOO_LARGE))
            elif told.is_call:
                if told.wording.content or span.marks:
                    self._count_content(told)
                found.append(self._event(told))
            else:
                self.left_out["not_a_model_call"] += 1
        return found

    def _event(self, told: Told) -> dict[str, Any]:
        span, said = told.span, told.said
        event: dict[str, Any] = {
            "id": span.ref,
            "occurredAt": moment(span.start),
            "provider": provider_of(told),
            "model": said.get("model") or None,
            "operation": told.kind or None,
            "latencyMs": (span.end - span.start) // MILLION if span.end >= span.start > 0 else None,
            "parentId": span.above or None,
            "runId": span.trace,
        }
        if told.wording.tells_more or span.marks:
            event |= more_of(told)
        has_failed = span.has_failed or told.wording.tells_error
        event |= self._error(told) if has_failed else WENT_WELL
        tokens = tokens_of(told, str(event["provider"] or ""))
        if tokens is not None:
            event["tokens"] = tokens
        elif not has_failed:
            event |= {"tokens": {}, "usageSource": "missing"}
        event |= self._of_resource(span.resource)
        if span.above:
            for above in reversed(self._above(span)):
                event |= above.whose
        event |= told.whose
        if told.others or told.wording.tags:
            event["tags"] = tags_of(told)
        if event["provider"] is None or event["model"] is None:  # nothing stands in their place: they are missing
            return {name: value for name, value in event.items() if value is not None}
        return event

    def _error(self, told: Told) -> dict[str, str]:
        error = errors.told_by(told.said.get("error"), told.span.marks)
        if errors.is_more(error):
            self.left_out["error_text"] += 1
        return {"status": errors.status_of(error), "errorCode": errors.name_of(error) or errors.NAMELESS}

    def _above(self, span: Span) -> list[Told]:
        """Those in the same request, the nearest first."""
        found: list[Told] = []
        while (above := self.told.get(span.above)) and len(found) < DEEPEST:
            found.append(above)
            span = above.span
        return found

    def _of_resource(self, resource: Attributes) -> dict[str, str]:
        """The same for all spans of a group."""
        known = self._of_resources.get(id(resource))
        if known is None:
            known = service_of(resource) | named(resource, wording_of(tuple(resource)))[0]
            self._of_resources[id(resource)] = known
        return known

    def _count_content(self, told: Told) -> None:
        count = told.wording.content + sum(mark.name.startswith(dialects.CONTENT_MARKS) for mark in told.span.marks)
        if count:
            self.left_out["content"] += count


def service_of(resource: Attributes) -> dict[str, str]:
    name = resource.get("service.name")
    return {"project": name} if isinstance(name, str) and not name.startswith(NOT_A_SERVICE) else {}


def more_of(told: Told) -> dict[str, Any]:
    """What most calls do not tell."""
    said, asked = told.said, told.said.get("request_id")
    parameters = from_json(said.get("parameters"))
    return {
        "model": said.get("model") or parameters.get("model"),
        "timeToFirstTokenMs": first_token_ms(told),
        "streaming": is_streaming(told, parameters),
        "requestId": None if asked is None else as_text(asked),
        "serviceTier": tier_of(said.get("service_tier")),
    }


def shortened(event: dict[str, Any]) -> dict[str, Any]:
    """Texts that are too long are taken out of it: cut, one could be taken for another; a tag says what is left."""
    are_long = [name for name, value in event.items() if type(value) is str and len(value) > LONGEST_TEXT]
    long = {name: event[name] for name in are_long if name not in NEEDED}
    kept = {name: value for name, value in event.items() if name not in long}
    return kept | {"tags": long | event.get("tags", {})} if long else event


def tags_of(told: Told) -> dict[str, str]:
    """What a call tells that no field has."""
    tags = dict(told.others)
    for name in told.wording.tags:
        if (said := told.attributes[name]) is not None:
            tags[name] = as_text(said)
    return tags


def tokens_of(told: Told, provider: str) -> dict[str, Any] | None:
    """Disjoint classes; None where nothing is told. What is no count is passed on, so that it is refused by name."""
    said = said_of(told.attributes, told.wording.counts)
    wrong = {}
    for name, value in said.items():
        count = value if type(value) is int else whole(value)
        if type(count) is not int or count < 0:
            wrong[IN_EVENTS[name]] = count
        said[name] = count
    if wrong or not said:
        return wrong or None
    read, written = said.get("cache_read", 0), said.get("cache_write", 0)
    going_in, coming_out, reasoning = said.get("input", 0), said.get("output", 0), said.get("reasoning", 0)
    if is_cache_apart(told, going_in, read + written):
        going_in += read + written
    if reasoning and is_reasoning_apart(told, reasoning, coming_out, going_in):
        coming_out += reasoning
    found = {"input": going_in - read - written, "output": coming_out}
    if read:
        found["cacheRead"] = read
    if written:
        for_an_hour = min(said.get("cache_write_1h", 0), written)
        found["cacheWrite30m" if provider == "openai" else "cacheWrite5m"] = written - for_an_hour
        found["cacheWrite1h"] = for_an_hour
    if not MODES.isdisjoint(said):
        apart_from_text(found, said)
    if reasoning:
        found["reasoning"] = min(reasoning, found["output"])
    return found


def is_cache_apart(told: Told, going_in: int, cached: int) -> bool:
    """Whether what went in leaves out what a cache read and wrote."""
    if going_in < cached or not told.wording.dialect.apart:
        return going_in < cached
    parts = str(told.said.get("provider") or "").split(".")  # "vertex.anthropic.messages"
    if not any(part.startswith(told.wording.dialect.apart) for part in parts):
        return False
    uncached = count_of(told.said.get("uncached"))
    return uncached is None or uncached + cached != going_in


def is_reasoning_apart(told: Told, reasoning: int, coming_out: int, going_in: int) -> bool:
    """Whether what came out leaves out what was reasoned."""
    if reasoning > coming_out:
        return True
    text = count_of(told.said.get("text_out"))
    if text is not None:
        return text + reasoning > coming_out
    return count_of(told.said.get("total")) == going_in + coming_out + reasoning


def count_of(value: Value | None) -> int | None:
    """What only helps to understand a call is passed over where it is no count."""
    count = None if value is None else whole(value)
    return count if type(count) is int and count >= 0 else None


def apart_from_text(found: dict[str, int], said: Mapping[str, int]) -> None:
    """Take what was heard and seen, said and drawn out of what went in and came out, as far as it is there: the rest
    of it came from the cache, and is counted as such."""
    for mode in ("audio", "image"):
        heard = max(said.get(f"{mode}_in", 0) - said.get(f"cached_{mode}", 0), 0)
        going_in, coming_out = min(heard, found["input"]), min(said.get(f"{mode}_out", 0), found["output"])
        found |= {f"{mode}In": going_in, f"{mode}Out": coming_out}
        found["input"], found["output"] = found["input"] - going_in, found["output"] - coming_out


MODES = frozenset(("audio_in", "image_in", "audio_out", "image_out"))
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


def provider_of(told: Told) -> Value | None:
    provider = told.said.get("provider")
    if told.wording.dialect is dialects.VERCEL and isinstance(provider, str):  # "openai.chat", "google.generative-ai"
        return provider.split(".")[0]
    return provider


def tier_of(value: Value | None) -> str | None:
    if not isinstance(value, str):
        return None
    return "default" if value in STANDARD else value


def is_streaming(told: Told, parameters: Mapping[str, Any]) -> bool | None:
    said = told.said.get("streaming")
    if isinstance(said, str):
        return said.lower() == "true"
    if said is None and (parameters.get("stream") is True or first_token(told.span)):
        return True
    return bool(said) if said is not None else None


def first_token(span: Span) -> Mark | None:
    for mark in span.marks:
        if mark.name in dialects.FIRST_TOKEN_MARKS:
            return mark
    return None


def first_token_ms(told: Told) -> int | None:
    for what, factor in (("first_token_s", 1000), ("first_token_ms", 1)):
        said = told.said.get(what)
        try:
            if said is not None and 0 <= float(said) < MILLION:
                return round(float(said) * factor)
        except (ValueError, OverflowError):
            continue
    span, mark = told.span, first_token(told.span)
    return (mark.at - span.start) // MILLION if mark and mark.at >= span.start > 0 else None


def moment(nanoseconds: int) -> datetime | str | None:
    """None where none was told; what lies outside of the calendar stays a number that is refused."""
    if not nanoseconds:
        return None
    try:
        return EPOCH + timedelta(0, nanoseconds // BILLION, nanoseconds % BILLION // 1000)
    except OverflowError:
        return str(nanoseconds)
