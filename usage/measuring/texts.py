"""Texts as they are sent, made fit to be kept or told again. Pure."""

import re
from collections.abc import Callable, Iterator
from decimal import Context, Decimal

CUT = "…"
SEPARATOR = "\x1f"  # stands between names where several are hashed together
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
# A text in JSON, also one that does not end, or brackets of one direction.
PART = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]+|[\]}]+', re.DOTALL)


def printable(text: str) -> str:
    """What was sent, as far as it can be said again."""
    return text.encode("utf-8", "replace").decode().replace("\0", UNKNOWN)


def unseparated(text: str) -> str:
    """A name that is hashed as one, whatever stands in it."""
    return text.replace(SEPARATOR, UNKNOWN)


def folded(name: str) -> str:
    """customerId, customer_id and customer.id are one name."""
    return name.replace("_", "").replace(".", "").replace("-", "").lower()


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + CUT


def renamed(units: dict[str, Decimal] | None, name_of: Callable[[str], str]) -> dict[str, Decimal] | None:
    """Counts that come to one name are added. That raises for none, whatever they are."""
    if units is None:
        return None
    told: dict[str, Decimal] = {}
    for name, count in units.items():
        kept = name_of(name)
        told[kept] = Context(traps=[]).add(told[kept], count) if kept in told else count
    return told


def shallow(text: str, deepest: int) -> str:
    """JSON with null in place of each list and object that lies deeper, so that reading it needs no deep stack."""
    return "".join(pieces(text, deepest))


def pieces(text: str, deepest: int) -> Iterator[str]:
    depth = start = 0  # from where on the text is kept, while it is not too deep
    for part in PART.finditer(text):
        brackets = part[0]
        if brackets[0] == '"':
            continue
        before, depth = depth, depth + (len(brackets) if brackets[0] in "[{" else -len(brackets))
        if before <= deepest < depth:
            yield text[start : part.start() + deepest - before] + "null"
        elif depth <= deepest < before:
            start = part.end() - (deepest - depth)
    if depth <= deepest:
        yield text[start:]
