"""What spans can tell by the names of their attributes: worked out once for each set of names. Pure.

A library names the same things in span after span, so that each span asks only under the names it has.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from usage.measuring.otlp import dialects, litellm, vercel
from usage.measuring.otlp.dialects import DIALECTS, Dialect, Names
from usage.measuring.otlp.spans import Value
from usage.measuring.texts import folded

Attributes = Mapping[str, Value | None]
Pairs = tuple[tuple[str, str], ...]
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


OWNERS = dialects.ATTRIBUTION | {"project": ()}  # services own projects
MORE = OF_ALL.keys() - {"error", "metadata"}  # what most calls do not tell


class Wording(Struct, frozen=True):
    """One set of names. What is `asked`, and `counts` and `owners`, stand beside a name that tells them, the best of
    several last."""

    dialect: Dialect
    asked: Pairs
    counts: Pairs
    owners: Pairs
    own: Pairs  # other names that a customer chose, behind themselves without their beginning
    tags: Names
    content: int  # how many tell what people and models wrote
    tells_tokens: bool
    tells_error: bool
    tells_metadata: bool
    tells_more: bool
    may_be_completed: bool


def wording_of(names: Names) -> Wording:
    return kept(names) if sum(map(len, names)) <= LONGEST_KEPT else worked_out(names)


def worked_out(names: Names) -> Wording:
    dialect = dialect_of(names)
    there = set(names)
    own = [(name, bare_of(name)) for name in names if name.startswith(dialects.OWN_NAMES) and name != dialects.IS_TOTAL]

    def among(wanted: Mapping[str, Names]) -> Pairs:
        return tuple((what, name) for what, of in wanted.items() for name in reversed(of) if name in there)

    asked = among({name: getattr(dialect, name) for name in ASKED} | OF_ALL)
    counts = among({name: getattr(dialect, name) for name in COUNTS})
    owners = dict(OWNERS)
    told = {what for what, _ in asked + counts}
    for name, bare in own:  # the last one counts
        if ours := ours_of(bare):
            owners[ours] = name, *owners[ours]
    return Wording(
        dialect,
        asked,
        counts,
        owners=among(owners),
        own=tuple((bare, name) for name, bare in own if not ours_of(bare)),
        tags=tuple(name for name in dialects.KEPT_AS_TAGS if name in there),
        content=sum(name.startswith(dialects.CONTENT) and name not in dialects.NO_CONTENT for name in names),
        tells_tokens="input" in told or "output" in told,
        tells_error="error" in told,
        tells_metadata="metadata" in told,
        tells_more=not MORE.isdisjoint(told),
        may_be_completed=litellm.may_complete(there) or vercel.may_complete(there),
    )


kept = lru_cache(MOST_KEPT)(worked_out)


def dialect_of(names: Names) -> Dialect:
    for dialect in DIALECTS:
        for mark in dialect.marks:
            if mark in names or (mark.endswith(".") and any(name.startswith(mark) for name in names)):
                return dialect
    return dialects.NONE


def said_of(attributes: Attributes, asked: Pairs) -> dict[str, Any]:
    """What is told of each, by the last name that tells anything."""
    found = {}
    for what, name in asked:
        if (value := attributes[name]) is not None:
            found[what] = value
    return found


def bare_of(name: str) -> str:
    return name.removeprefix(next(each for each in dialects.OWN_NAMES if name.startswith(each)))
