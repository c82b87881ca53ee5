"""What a pasted key is, by its shape: to explain it, and to refuse only what can never work. Pure."""

import re
from dataclasses import dataclass

from providers.connectors.base import WrongKind


@dataclass(frozen=True, slots=True)
class Shape:
    pattern: re.Pattern[str]
    provider: str
    kind: str
    name: str  # how a sentence calls it


def shape(pattern: str, provider: str, kind: str, name: str) -> Shape:
    return Shape(re.compile(pattern), provider, kind, name)


SHAPES = (
    shape(r"sk-admin-", "openai", "admin key", "an OpenAI admin key"),
    shape(r"sk-proj-", "openai", "project key", "an OpenAI project key"),
    shape(r"sk-svcacct-", "openai", "service account key", "an OpenAI service account key"),
    shape(r"sk-[A-Za-z0-9]{48}$", "openai", "user key", "an old OpenAI user key"),
    shape(r"sk-ant-admin01-", "anthropic", "Console admin key", "an Anthropic Console admin key"),
    shape(r"sk-ant-api01-", "anthropic", "Claude Enterprise key", "a Claude Enterprise key"),
    shape(r"sk-ant-api03-", "anthropic", "API key", "an Anthropic API key"),
    shape(r"sk-ant-o[ar]t01-", "anthropic", "subscription token", "a token of a Claude subscription"),
    shape(r"sk-or-v1-[0-9a-f]{64}$", "openrouter", "key", "an OpenRouter key"),
    shape(r"AIza[0-9A-Za-z_-]{35}$", "google", "API key", "a Google API key"),
    shape(r"ya29\.", "google", "access token", "a short-lived Google access token"),
    shape(r"A[KS]IA[A-Z2-7]{16}$", "aws", "access key id", "the id of an AWS access key"),
    shape(r"ABSK", "aws", "Bedrock key", "an Amazon Bedrock API key"),
    shape(r"tt_(?:live|test)_", "tokentra", "key", "a TokenTra key"),
)


def shape_of(key: str) -> Shape | None:
    return next((each for each in SHAPES if each.pattern.match(key)), None)


def wrong_shape(key: str, *, provider: str, useless: dict[str, str], wanted: str) -> WrongKind | None:
    """`useless` has a sentence for each kind that can never work; `wanted` says what to do."""
    if not key:
        return WrongKind("nothing", f"No key was given. {wanted}")
    if not key.isascii() or not key.isprintable():
        return WrongKind("not a key", f"This text holds characters that no key has. {wanted}")
    found = shape_of(key)
    if found is None:
        return None
    if found.provider != provider:
        return WrongKind(found.kind, f"This is {found.name}. {wanted}")
    if found.kind in useless:
        return WrongKind(found.kind, useless[found.kind])
    return None
