"""What a budget could be, going by the past: what nine of ten periods stayed within, and growth on top. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import combinations
from statistics import median

FEWEST = 2  # periods; of fewer nothing follows
SHARE = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`amount` is `usual` and, where spending grows, `growth`, for a month and rounded up to two digits."""

    amount: Decimal
    usual: Decimal
    growth: Decimal
    periods: int
    is_of_weeks: bool = False


def suggest(totals: Sequence[Decimal], *, times: Decimal = Decimal(1)) -> Suggestion | None:
    """From whole past periods, the oldest first; `times` makes months of shorter ones. None: too little to go by."""
    if len(totals) < FEWEST or not any(totals):
        return None
    usual = quantile(sorted(totals), SHARE) * times
    slopes = [
        (later - earlier) / (there - here) for (here, earlier), (there, later) in combinations(enumerate(totals), 2)
    ]
    growth = max(median(slopes), Decimal(0)) * times
    return Suggestion(rounded_up(usual + growth), usual, growth, len(totals), is_of_weeks=times != 1)


def quantile(ordered: Sequence[Decimal], share: Decimal) -> Decimal:
    """Between two values in proportion, as spreadsheets do."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def rounded_up(amount: Decimal) -> Decimal:
    """To two digits, and to whole cents: `1,234.5` becomes 1,300."""
    step = max(Decimal(1).scaleb(amount.adjusted() - 1), Decimal("0.01"))
    return (amount / step).to_integral_value(ROUND_CEILING) * step
