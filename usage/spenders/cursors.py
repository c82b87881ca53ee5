"""Where a page of a list ended, for the next one to begin: good for the same question only. Pure."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence

LONGEST = 4_000


class Foreign(ValueError):
    """The cursor is of another question, or none of ours."""


def sealed(question: Iterable[str], position: Sequence[object]) -> str:
    content = json.dumps([digest(question), [str(each) for each in position]])
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def opened(question: Iterable[str], cursor: str) -> list[str]:
    """The position, as texts; [] for the first page."""
    if not cursor:
        return []
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        of, position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if of != digest(question) or not all(isinstance(each, str) and "\x00" not in each for each in position):
            raise ValueError("of another question")
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Foreign("This cursor belongs to another question. Ask again without one.") from error
    return [*position]


def digest(question: Iterable[str]) -> str:
    return hashlib.sha256("\x1f".join(question).encode("utf-8", "surrogatepass")).hexdigest()[:12]
