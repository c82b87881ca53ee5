"""What LiteLLM's spans say in words of their own, in the names that others use: cached tokens, and the model itself
where its proxy tells the name that its users know it by. Pure."""

from ast import literal_eval
from collections.abc import Container, Mapping
from typing import Any

from usage.measuring.otlp import nested
from usage.measuring.otlp.nested import Places
from usage.measuring.otlp.spans import Value

USAGE, GROUP, MODEL = "metadata.usage_object", "litellm.model_group", "litellm.provider.model"
ASKED, ANSWERED, SYSTEM = "gen_ai.request.model", "gen_ai.response.model", "gen_ai.system"
LONGEST = 4_000
PLACES: Places = {
    "gen_ai.usage.cache_read.input_tokens": (("prompt_tokens_details", "cached_tokens"), ("cache_read_input_tokens",)),
    "gen_ai.usage.cache_creation.input_tokens": (
        ("cache_creation_input_tokens",),
        ("prompt_tokens_details", "cache_creation_tokens"),
        ("prompt_tokens_details", "cache_write_tokens"),
    ),
    "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": (
        ("prompt_tokens_details", "cache_creation_token_details", "ephemeral_1h_input_tokens"),
    ),
    "gen_ai.usage.reasoning.output_tokens": (("completion_tokens_details", "reasoning_tokens"),),
    "gen_ai.usage.audio.input_tokens": (("prompt_tokens_details", "audio_tokens"),),
    "gen_ai.usage.audio.output_tokens": (("completion_tokens_details", "audio_tokens"),),
}


def may_complete(names: Container[str]) -> bool:
    """Whether a span with attributes of these names may be one of LiteLLM's."""
    return USAGE in names or GROUP in names


def completed(attributes: Mapping[str, Value | None]) -> Mapping[str, Value | None]:
    """The same for spans of anybody else."""
    if not may_complete(attributes):
        return attributes
    found = dict(attributes)
    if (model := behind(attributes)) is not None:
        found[ANSWERED] = model
    for name, count in nested.counts(usage_of(attributes.get(USAGE)), PLACES).items():
        if count and found.get(name) is None:
            found[name] = count
    return found


def behind(attributes: Mapping[str, Value | None]) -> Value | None:
    """The model that was really asked, where an answer names it as the proxy's users do."""
    group = attributes.get(GROUP)
    if not group or attributes.get(ANSWERED, group) != group:
        return None
    if (asked := attributes.get(ASKED)) and asked != group:
        return asked
    model = attributes.get(MODEL)
    return (isinstance(model, str) and model.removeprefix(f"{attributes.get(SYSTEM)}/")) or None


def usage_of(told: Value | None) -> Any:
    """It is written as Python writes a dictionary."""
    if not isinstance(told, str) or len(told) > LONGEST:
        return {}
    try:
        return literal_eval(told)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return {}
