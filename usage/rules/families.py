"""Which smaller model stands beside a larger one: declared by us, checked against the price book before use."""

import re
from dataclasses import dataclass

DATED = r"(-latest|-preview|[-@]\d{4}-?\d{2}-?\d{2})?"
VERSION = re.compile(r"(-latest|[-@]\d{4}-?\d{2}-?\d{2})$")


@dataclass(frozen=True, slots=True)
class Step:
    provider: str
    models: tuple[str, ...]
    smaller: str


STEPS = (
    Step("openai", ("gpt-4", "gpt-4-turbo", "gpt-4-32k", "gpt-4o", "chatgpt-4o"), "gpt-4o-mini"),
    Step("openai", ("gpt-4.1",), "gpt-4.1-mini"),
    Step("openai", ("gpt-5", "gpt-5.1", "gpt-5.2", "gpt-5.3"), "gpt-5-mini"),
    Step("openai", ("gpt-5.4", "gpt-5.5"), "gpt-5.4-mini"),
    Step("openai", ("gpt-5.6-sol", "gpt-5.6-terra"), "gpt-5.6-luna"),
    Step("openai", ("gpt-6-sol",), "gpt-6-luna"),
    Step("openai", ("gpt-6.1-sol",), "gpt-6.1-terra"),
    Step("openai", ("o1", "o3"), "o4-mini"),
    Step("anthropic", ("claude-3-opus", "claude-opus-4", "claude-opus-4-0", "claude-opus-4-1"), "claude-sonnet-4-5"),
    Step(
        "anthropic", ("claude-opus-4-5", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8"), "claude-sonnet-4-6"
    ),
    Step("anthropic", ("claude-opus-5",), "claude-sonnet-5"),
    Step("anthropic", ("claude-opus-5-5",), "claude-sonnet-5-5"),
    Step(
        "anthropic",
        ("claude-3-5-sonnet", "claude-3-7-sonnet", "claude-sonnet-4", "claude-sonnet-4-0"),
        "claude-haiku-4-5",
    ),
    Step("anthropic", ("claude-sonnet-4-5", "claude-sonnet-4-6", "claude-sonnet-5"), "claude-haiku-4-5"),
    Step("anthropic", ("claude-sonnet-5-5",), "claude-haiku-5-5"),
)


def smaller_than(provider: str, model: str) -> str:
    """The declared smaller model of the same provider, or "" for a model we make no claim about."""
    for step in STEPS:
        if step.provider == provider and any(re.fullmatch(re.escape(name) + DATED, model) for name in step.models):
            return step.smaller
    return ""


def undated(model: str) -> str:
    """The name of a model without the version that an answer adds to it."""
    return VERSION.sub("", model) or model
