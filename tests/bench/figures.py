"""A measured figure beside the goal that it has to meet."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`speed` is that of this machine, measured in the same run, over that of the one on which the goal was set."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    speed: float | None = None

    @property
    def is_reached(self) -> bool:
        return self.reaches(self.value)

    def reaches(self, value: float) -> bool:
        is_small = self.at_most is None or value <= self.at_most
        return is_small and (self.at_least is None or value >= self.at_least)

    @property
    def there(self) -> str:
        """What it would be on that machine, where all that is computed takes as much less time: an estimate."""
        if self.speed is None:
            return ""
        value = self.value * self.speed if self.at_most is not None else self.value / self.speed
        said = "reached" if self.reaches(value) else "missed"
        return f" (at the speed of the goal's machine {value:.4g}: {said})"

    def __str__(self) -> str:
        goal = verdict = ""
        for word, bound in (("at most", self.at_most), ("at least", self.at_least)):
            if bound is not None:
                goal = f"   goal: {word} {bound:g} {self.unit}"
                verdict = f" · {'reached' if self.is_reached else 'MISSED'}{self.there}"
        return f"  {self.name:<64} {self.value:>10.4g} {self.unit}{goal}{verdict}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
