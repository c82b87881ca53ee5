"""What a provider's answer says of its usage, in our words: token classes that never overlap, and units beside them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

Number = Union[int, float]


@dataclass
class Usage:
    """`source` is reported, estimated or missing: what is missing is said, never sent as zero."""

    model: str | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    units: dict[str, Number] = field(default_factory=dict)
    request_id: str | None = None
    service_tier: str | None = None
    source: str = "reported"
    tags: dict[str, str] = field(default_factory=dict)


def get(thing: Any, *names: str) -> Any:
    """What lies below these names, in objects and in dictionaries alike; None where there is nothing."""
    for name in names:
        if thing is None:
            return None
        thing = thing.get(name) if is_mapping(thing.__class__) else getattr(thing, name, None)
    return thing


@functools.lru_cache(maxsize=1024)
def is_mapping(kind: type) -> bool:
    """Asked many times for each call, of few classes."""
    return issubclass(kind, Mapping)


def count(thing: Any, *names: str) -> int:
    """A whole number that is not negative; anything else is none."""
    value = get(thing, *names)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def told(value: Any) -> str | None:
    """A text, also where a library has it as a member of an enumeration."""
    value = getattr(value, "value", value)
    return value if isinstance(value, str) and value else None


def present(classes: Mapping[str, int]) -> dict[str, int]:
    """Without the classes of which there are none; what goes in and comes out is always said."""
    return {name: tokens for name, tokens in classes.items() if tokens or name in ("input", "output")}


def disjoint(
    *,
    going_in: int,
    coming_out: int,
    cache_read: int = 0,
    cache_write: Mapping[str, int] | None = None,
    reasoning: int = 0,
    audio_in: int = 0,
    audio_out: int = 0,
    image_in: int = 0,
    image_out: int = 0,
) -> dict[str, int]:
    """Classes of a provider whose input contains what its cache read and wrote and every modality, and whose output
    contains reasoning and every modality."""
    written = {name: tokens for name, tokens in (cache_write or {}).items() if tokens}
    output = max(coming_out - audio_out - image_out, 0)
    return present(
        {
            "input": max(going_in - cache_read - sum(written.values()) - audio_in - image_in, 0),
            "cacheRead": cache_read,
            **written,
            "output": output,
            "reasoning": min(reasoning, output),
            "audioIn": audio_in,
            "audioOut": audio_out,
            "imageIn": image_in,
            "imageOut": image_out,
        }
    )
