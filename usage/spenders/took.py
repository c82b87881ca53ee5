"""How long calls took, in words. Pure."""

from dataclasses import dataclass

from tokentra.lib.money import DASH, duration
from usage.latency import Quantile
from usage.spenders.sums import Sums


@dataclass(frozen=True)
class Took:
    total: Sums

    @property
    def median(self) -> str:
        return words(self.total.p50) if self.total.p50 else DASH

    @property
    def how(self) -> str:
        """How exact the median is, where it is known at all."""
        if self.total.p50 and (self.total.p50.is_open or self.total.p50.is_least):
            return ""
        return "Read from how many calls took how long: at most a quarter off"

    @property
    def slow(self) -> str:
        """What only one call in twenty exceeds."""
        p95 = self.total.p95
        if p95 is None:
            return "No call told its latency."
        return f"The slowest 5% took {words(p95)}" if p95.is_open else f"95% took at most {duration(p95.ms)}"


def words(quantile: Quantile) -> str:
    return f"{'more than ' if quantile.is_open else 'up to ' if quantile.is_least else ''}{duration(quantile.ms)}"
