"""A measured figure beside the goal that it has to meet."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_reached(self) -> bool:
        is_small = self.at_most is None or self.value <= self.at_most
        return is_small and (self.at_least is None or self.value >= self.at_least)

    def __str__(self) -> str:
        goal = verdict = ""
        for word, bound in (("at most", self.at_most), ("at least", self.at_least)):
            if bound is not None:
                goal = f"   goal: {word} {bound:g} {self.unit}"
                verdict = " · reached" if self.is_reached else " · MISSED"
        return f"  {self.name:<64} {self.value:>10.4g} {self.unit}{goal}{verdict}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
