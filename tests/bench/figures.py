"""A measured figure beside the goal that it has to meet."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def is_reached(self) -> bool:
        return self.at_most is None or self.value <= self.at_most

    def __str__(self) -> str:
        goal = "" if self.at_most is None else f"   goal: at most {self.at_most:g} {self.unit}"
        verdict = "" if self.at_most is None else (" · reached" if self.is_reached else " · MISSED")
        return f"  {self.name:<64} {self.value:>10.4g} {self.unit}{goal}{verdict}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
