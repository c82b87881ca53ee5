"""What spans can tell by the names of their attributes: worked out once for each set of names. Pure.

A library names the same things in span after span, so that each span asks only under the names it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from usage.measuring.otlp import dialects
from usage.measuring.otlp.dialects import DIALECTS, Dialect, Names
from usage.measuring.otlp.spans import Value
from usage.measuring.texts import folded

Attributes = Mapping[str, Value | None]
MOST_KEPT, LONGEST_KEPT = 500, 4_000  # sets of names, and letters in one of them

COUNTS = (
    *("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"),
    *("audio_in", "audio_out", "image_in", "image_out", "cached_audio", "cached_image"),
)
ASKED = ("kind", "provider", "model", "uncached", "text_out", "total")
OF_ALL = {
    "request_id": dialects.REQUEST_ID,
    "service_tier": dialects.SERVICE_TIER,
    "streaming": dialects.STREAMING,
    "first_token_s": dialects.FIRST_TOKEN_S,
    "first_token_ms": dialects.FIRST_TOKEN_MS,
    "parameters": dialects.PARAMETERS,
    "error": ("error.type",),
    "metadata": ("metadata",),
}  # whatever a span speaks


OURS = {folded(name): name for name in dialects.ATTRIBUTION} | {
    "customer": "customerId",
    "user": "userId",
    "run": "runId",
    "promptname": "prompt",
}


def ours_of(name: str) -> str:
    """What an event calls it; empty for a name that is none of ours."""
    return OURS.get(folded(name), "")


OWNERS = {ours: names for ours, names in dialects.ATTRIBUTION.items() if ours != "project"}  # services own projects


@dataclass(frozen=True, slots=True)
class Wording:
    """One set of names. `asked`, `counts` and `owners` say under which of them something is told, the best first."""

    dialect: Dialect
    asked: Mapping[str, Names]
    counts: Mapping[str, Names]
    owners: Mapping[str, Names]
    own: tuple[tuple[str, str, str], ...]  # names a customer chose: whole, without their beginning, and as ours
    tags: Names
    content: int  # how many tell what people and models wrote

    @property
    def tells_tokens(self) -> bool:
        return "input" in self.counts or "output" in self.counts


def wording_of(names: Names) -> Wording:
    return kept(names) if sum(map(len, names)) <= LONGEST_KEPT else worked_out(names)


def worked_out(names: Names) -> Wording:
    dialect = dialect_of(names)
    there = set(names)

    def among(wanted: Mapping[str, Names]) -> dict[str, Names]:
        found = {what: tuple(name for name in of if name in there) for what, of in wanted.items()}
        return {what: of for what, of in found.items() if of}

    return Wording(
        dialect,
        asked=among({name: getattr(dialect, name) for name in ASKED} | OF_ALL),
        counts=among({name: getattr(dialect, name) for name in COUNTS}),
        owners=among(OWNERS),
        own=tuple(own(name) for name in names if name.startswith(dialects.OWN_NAMES) and name != dialects.IS_TOTAL),
        tags=tuple(name for name in dialects.KEPT_AS_TAGS if name in there),
        content=sum(name.startswith(dialects.CONTENT) and name not in dialects.NO_CONTENT for name in names),
    )


kept = lru_cache(MOST_KEPT)(worked_out)


def dialect_of(names: Names) -> Dialect:
    for dialect in DIALECTS:
        for mark in dialect.marks:
            if mark in names or (mark.endswith(".") and any(name.startswith(mark) for name in names)):
                return dialect
    return dialects.NONE


def own(name: str) -> tuple[str, str, str]:
    bare = name.removeprefix(next(each for each in dialects.OWN_NAMES if name.startswith(each)))
    return name, bare, ours_of(bare)


def said_of(attributes: Attributes, asked: Mapping[str, Names]) -> dict[str, Value]:
    """What is told of each, under the first of its names that tells anything."""
    found: dict[str, Value] = {}
    for what, names in asked.items():
        for name in names:
            if (value := attributes[name]) is not None:
                found[what] = value
                break
    return found
