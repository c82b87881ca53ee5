"""What a weekday costs beside an ordinary day: the share of spend that is habit. Pure."""

from collections.abc import Sequence
from statistics import median

WEEK = 7
WEEKS = 8  # habits of longer ago are not believed
LEAST = 0.02  # a weekday without spend still divides


def factors(daily: Sequence[float], first_weekday: int) -> list[float]:
    """For Monday to Sunday, 1 being the ordinary day: medians of the last eight weeks, so that one odd week is none.

    Each day is compared with the mean of the seven around it, so growth does not look like a habit.
    """
    start = max(0, len(daily) - WEEKS * WEEK)
    ratios: list[list[float]] = [[] for _ in range(WEEK)]
    for place in range(start, len(daily)):
        first = min(max(place - WEEK // 2, start), len(daily) - WEEK)
        if first < start:
            continue
        around = sum(daily[first : first + WEEK]) / WEEK
        if around > 0:
            ratios[(first_weekday + place) % WEEK].append(daily[place] / around)
    shrunk = [1 + (median(seen) - 1) * belief(len(seen)) if seen else 1.0 for seen in ratios]
    mean = sum(shrunk) / WEEK
    return [max(factor / mean, LEAST) for factor in shrunk]


def belief(weeks: int) -> float:
    """How much of a habit is believed that was seen so often: half of it once, nearly all of it four times."""
    return weeks**2 / (weeks**2 + 1)


def adjusted(daily: Sequence[float], first_weekday: int, by: Sequence[float]) -> list[float]:
    """The days as they would have been, had each been an ordinary one."""
    return [amount / by[(first_weekday + place) % WEEK] for place, amount in enumerate(daily)]
