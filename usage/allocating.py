"""Whose cost it is: rules give what providers know (keys, projects, models) to cost centres. Pure.

The most specific rule decides: that of an API key before its project's, then the model's, then the provider's.
What no rule names is unallocated, so a statement always adds up to the spend that it is made of.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from usage.figures import Figures, total

SPECIFIC = ("api_key", "project", "model", "provider")
Rules = Mapping[tuple[str, str], str]
"""The cost centre of each (dimension, value)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One cost centre's part of a statement; `center` is "" for what is unallocated."""

    center: str
    figures: Figures
    of: Decimal

    @property
    def share(self) -> Decimal | None:
        return self.figures.cost / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Statement:
    """Cost centres with the highest cost first. The lines and what is unallocated add up to the total exactly."""

    lines: tuple[Line, ...]
    unallocated: Line
    total: Figures


def center_of(keys: Mapping[str, str], rules: Rules) -> str:
    found = (rules.get((name, keys[name])) for name in SPECIFIC if keys.get(name))
    return next((center for center in found if center), "")


def statement(groups: Iterable[Figures], rules: Rules) -> Statement:
    """Of figures grouped by all of SPECIFIC that rules name; what no rule names may be one group."""
    by_center: dict[str, list[Figures]] = defaultdict(list)
    for each in groups:
        by_center[center_of(each.keys, rules)].append(each)
    sums = {center: total(figures) for center, figures in by_center.items()}
    whole = total(sums.values())
    lines = [Line(center, figures, whole.cost) for center, figures in sums.items() if center]
    lines.sort(key=lambda each: (-each.figures.cost, each.center.casefold()))
    return Statement(tuple(lines), Line("", sums.get("", Figures()), whole.cost), whole)
