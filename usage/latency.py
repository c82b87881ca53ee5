"""Latencies are kept as counts in fixed buckets, which can be added; quantiles are read from the counts. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

FIRST_MS, FACTOR, BUCKETS = 25, 1.6, 24
# The upper ends of all buckets but the last, which has none: 25 ms to 13 minutes, each 1.6 times the one before.
BOUNDS: tuple[int, ...] = tuple(round(FIRST_MS * FACTOR**number) for number in range(BUCKETS - 1))


def bucket(milliseconds: int) -> int:
    """The bucket of a latency, from 0; each includes its upper end."""
    return bisect_left(BOUNDS, milliseconds)


@dataclass(frozen=True)
class Quantile:
    """What a share of the calls took at most; `is_open`: more than these milliseconds, and nobody counted how much;
    `is_least`: no more than these, and nobody counted how much less."""

    ms: int
    is_open: bool = False
    is_least: bool = False


def quantile(counts: Sequence[int], share: float) -> Quantile | None:
    """What this share of the calls took at most, None without calls.

    Within a bucket calls are taken to lie evenly on the scale of logarithms: at most a quarter off. The last bucket
    has no upper end, and the first reaches down to nothing.
    """
    wanted = share * sum(counts)
    if not wanted:
        return None
    passed = 0
    for number, count in enumerate(counts):
        if count and passed + count >= wanted:
            if number == BUCKETS - 1:
                return Quantile(BOUNDS[-1], is_open=True)
            if number == 0:
                return Quantile(BOUNDS[0], is_least=True)
            low = BOUNDS[number - 1]
            return Quantile(round(float(low * (BOUNDS[number] / low) ** ((wanted - passed) / count))))
        passed += count
    return None
