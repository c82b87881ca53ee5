"""Texts as they are sent, made fit to be kept or told again. Pure."""

from collections.abc import Callable
from decimal import Context, Decimal

CUT = "…"
SEPARATOR = "\x1f"  # stands between names where several are hashed together
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


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
