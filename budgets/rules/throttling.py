"""How long calls wait once a budget that slows them is used up. Pure."""

from decimal import Decimal

STEP, MOST = 1_000, 30_000  # milliseconds


def delay_of(used: Decimal, limit: Decimal) -> int:
    """In milliseconds: none below the limit, a second there, one more for each whole percent above it, at most 30."""
    if used < limit:
        return 0
    return min(STEP * (1 + int((used - limit) * 100 / limit)), MOST)
