"""One thing at a time: what may ask for a person's attention, the most pressing first. Pure: no Django.

Two of them are part of a page and carry `data-attention`; while one of them is on screen, what comes later stays away.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    ERROR = "error"
    WANTED_TOUR = "wanted_tour"  # asked for a moment ago, by a click
    DATA_READY = "data_ready"
    CELEBRATION = "celebration"
    TOUR = "tour"
    TOOLTIP = "tooltip"


ON_THE_PAGE = (Kind.ERROR, Kind.DATA_READY)
ORDER = tuple(Kind)


def first(candidates: Mapping[Kind, Callable[[], Any]], order: Iterable[Kind] = ORDER) -> tuple[Kind, Any] | None:
    """The most pressing kind that has something to say, with what it says; later ones are not even asked."""
    for kind in order:
        if kind in candidates and (said := candidates[kind]()):
            return kind, said
    return None
