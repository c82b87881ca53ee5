"""JSON of which a part cannot be read: it must not cost what stands beside it. Pure."""

import json
from collections.abc import Callable
from typing import Any

from usage.measuring.shape import LONGEST_TEXT
from usage.measuring.texts import shallow

DEEPEST = 20  # lists and objects within one another; an event needs five and a span twelve


def read(body: bytes, *, constant: Callable[[str], object] = float) -> Any:
    """What lies too deep is null, a number that is too long a text; `constant` says what NaN and the infinities are.

    Raises ValueError for what is no JSON.
    """
    decode = json.JSONDecoder(parse_int=whole, parse_constant=constant).decode
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    try:
        return decode(text)
    except RecursionError:
        return decode(shallow(text, DEEPEST))


def whole(digits: str) -> int | str:
    """A number that is longer than any of ours stays a text, which is refused where it should be one."""
    return int(digits) if len(digits) <= LONGEST_TEXT else digits
