"""At which shares of a limit people are told, and which of them are reached. Pure."""

from collections.abc import Iterable
from decimal import Decimal

DEFAULT = (50, 80, 100)
MOST, HIGHEST = 10, 1000  # of them, and percent
SLACK = Decimal("0.05")  # of the limit: a figure so far below a threshold has receded, one nearer wavers


def crossed(spent: Decimal, limit: Decimal, thresholds: Iterable[int]) -> tuple[int, ...]:
    """Those that are reached, the lowest first."""
    return tuple(each for each in sorted(thresholds) if spent >= amount_at(each, limit))


def amount_at(threshold: int, limit: Decimal) -> Decimal:
    return limit * threshold / 100


def has_receded(spent: Decimal, amount: Decimal, limit: Decimal) -> bool:
    """Whether a figure that had reached an amount is clearly below it again, as bills may be revised downwards."""
    return spent < amount - limit * SLACK
