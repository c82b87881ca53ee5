"""Where a page of a list ended, for the next one to begin: good for the same question only, and only as we wrote it."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

LONGEST = 4_000


class Foreign(ValueError):
    """The cursor is of another question, or none of ours."""


def sealed(question: Iterable[str], position: Sequence[object]) -> str:
    """What is no number and no truth of the position comes back as a text."""
    kept = [each if isinstance(each, bool | int) else str(each) for each in position]
    written = json.dumps(kept, ensure_ascii=False)  # an address has little room
    content = json.dumps([seal(question, written), written], ensure_ascii=False)
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def opened(question: Iterable[str], cursor: str) -> list[Any]:
    """The position; [] for the first page."""
    if not cursor:
        return []
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        sealed, written = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not constant_time_compare(sealed, seal(question, written)):
            raise ValueError("of another question, or not ours")
        position: list[Any] = json.loads(written)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Foreign("This cursor belongs to another question. Ask again without one.") from error
    return position


def seal(question: Iterable[str], written: str) -> str:
    text = "\x1f".join([*question, written])
    return salted_hmac("cursor", text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
