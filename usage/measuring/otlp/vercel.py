"""What the Vercel AI SDK tells beside its own figures: providers' answers, written as JSON into one attribute. Pure.

Until version 6 some spans tell what a cache read and wrote, and what was reasoned, nowhere else. What a provider calls
the rest of what went in and came out tells whether the span's own figures include those.
"""

from collections.abc import Container, Mapping
from typing import Any

import msgspec

from usage.measuring.otlp import nested
from usage.measuring.otlp.nested import Places
from usage.measuring.otlp.spans import Value

OPERATION, METADATA = "ai.operationId", "ai.response.providerMetadata"
LONGEST = 2**16  # characters: of Gemini it holds what was found on the web, too
GEMINI = tuple((name, "usageMetadata") for name in ("google", "vertex", "googleVertex"))
PLACES: Places = {
    "ai.usage.cachedInputTokens": (
        *(("anthropic", "usage", "cache_read_input_tokens"), ("anthropic", "cacheReadInputTokens")),
        *(("bedrock", "usage", "cacheReadInputTokens"), ("openai", "cachedPromptTokens")),
        *((*place, "cachedContentTokenCount") for place in GEMINI),
    ),
    "gen_ai.usage.cache_creation.input_tokens": (
        *(("anthropic", "usage", "cache_creation_input_tokens"), ("anthropic", "cacheCreationInputTokens")),
        ("bedrock", "usage", "cacheWriteInputTokens"),
    ),
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": (
        ("anthropic", "usage", "cache_creation", "ephemeral_1h_input_tokens"),
    ),
    "ai.usage.inputTokenDetails.noCacheTokens": (("anthropic", "usage", "input_tokens"),),
    "ai.usage.reasoningTokens": (
        ("openai", "reasoningTokens"),
        *((*place, "thoughtsTokenCount") for place in GEMINI),
    ),
    "ai.usage.outputTokenDetails.textTokens": tuple((*place, "candidatesTokenCount") for place in GEMINI),
}


def may_complete(names: Container[str]) -> bool:
    """Whether a span with attributes of these names may be one of this SDK's."""
    return METADATA in names and OPERATION in names


def completed(attributes: Mapping[str, Value | None]) -> Mapping[str, Value | None]:
    """The same for spans of anybody else; what a span tells itself stays."""
    if not may_complete(attributes):
        return attributes
    found = nested.counts(answer_of(attributes[METADATA]), PLACES)
    return {**attributes, **{name: count for name, count in found.items() if attributes.get(name) is None}}


def answer_of(told: Value | None) -> Any:
    if not isinstance(told, str) or len(told) > LONGEST:
        return None
    try:
        return msgspec.json.decode(told)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
