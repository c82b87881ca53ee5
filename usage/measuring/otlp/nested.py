"""Counts that a library tells inside of one attribute, in a shape of its own. Pure."""

from collections.abc import Mapping
from typing import Any

from usage.measuring.shape import MOST_COUNT

Places = Mapping[str, tuple[tuple[str, ...], ...]]  # by the name that others use, where it stands


def counts(usage: Any, places: Places) -> dict[str, int]:
    """Of each name the first that is a count."""
    found = {}
    for name, where in places.items():
        each = (at(usage, place) for place in where)
        if (count := next((one for one in each if is_count(one)), None)) is not None:
            found[name] = count
    return found


def at(thing: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COUNT
