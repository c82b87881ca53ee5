"""What a chart shows, worked out once on the server: series, colours, ticks and the numbers in words.

A page hands over slots (hours, days, months), series and the organization's ranking of names; the template
draws the result, the browser's chart library draws its bars again from `payload`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any

from tokentra.lib import money

Number = Decimal | int
COLOURS = 8
OTHER = "Other"
OTHER_COLOUR = 0
MOST_SERIES = 6
TEXT: dict[str, Callable[[Any], str]] = {"usd": money.dollars, "tokens": money.tokens, "count": money.exact}
EXACT: dict[str, Callable[[Any], str]] = {
    "usd": money.exact_dollars,
    "tokens": money.exact,
    "count": money.exact,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One place on the axis; `state` is "", "unsettled" while the bill may change, "partial" for now."""

    label: str
    title: str = ""
    href: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    key: str
    name: str
    values: Sequence[Number]
    colour: int = OTHER_COLOUR

    @property
    def total(self) -> Number:
        return sum(self.values, Decimal(0))


@dataclass(frozen=True, slots=True)
class Part:
    key: str
    name: str
    value: Number
    href: str = ""
    logo: str = ""


@dataclass(frozen=True, slots=True)
class Rank:
    """One bar of a composition, ready to be written."""

    name: str
    text: str
    exact: str
    share: Decimal | None
    width: str
    colour: int
    href: str
    logo: str


@dataclass(frozen=True, slots=True)
class Axis:
    low: Decimal
    high: Decimal
    step: Decimal

    @property
    def ticks(self) -> list[Decimal]:
        """The multiples of the step; a foot below zero may be smaller than one."""
        first = (self.low / self.step).to_integral_value(ROUND_CEILING)
        last = int(self.high / self.step - first)
        return [(first + position) * self.step for position in range(last + 1)]

    def share(self, value: Number) -> Decimal:
        """How far up the axis a value is, from 0 at its foot to 1."""
        return (Decimal(value) - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Chart:
    id: str
    label: str
    unit: str
    slots: Sequence[Slot]
    series: Sequence[Series]
    empty: str = "Nothing in this period."
    over: str = "When"  # what its slots are

    @cached_property
    def totals(self) -> list[Number]:
        return [sum(parts, Decimal(0)) for parts in zip(*(one.values for one in self.series), strict=True)] or [
            Decimal(0) for _ in self.slots
        ]

    @cached_property
    def axis(self) -> Axis:
        columns = list(zip(*(one.values for one in self.series), strict=True)) or [(Decimal(0),)]
        high = max(sum((Decimal(v) for v in column if v > 0), Decimal(0)) for column in columns)
        low = min(sum((Decimal(v) for v in column if v < 0), Decimal(0)) for column in columns)
        return axis(low, high, whole=self.unit != "usd")

    @property
    def is_empty(self) -> bool:
        return not any(value for one in self.series for value in one.values)

    @property
    def every(self) -> int:
        """Which axis labels are written, so that at most seven stand side by side."""
        return max(1, -(-len(self.slots) // 7))

    @property
    def states(self) -> set[str]:
        """Which kinds of unfinished slots carry a figure, for the legend."""
        return {slot.state for slot, total in zip(self.slots, self.totals, strict=True) if total} - {""}

    def text(self, value: Number) -> str:
        return TEXT[self.unit](value)

    def exact(self, value: Number) -> str:
        return EXACT[self.unit](value)

    @property
    def payload(self) -> dict[str, Any]:
        """What the browser draws; what it says comes from the table beside it."""
        return {
            "empty": self.is_empty,
            "low": float(self.axis.low),
            "high": float(self.axis.high),
            "states": [slot.state for slot in self.slots],
            "series": [
                {"colour": one.colour, "values": [float(f"{float(value):.6g}") for value in one.values]}
                for one in self.series
            ],
        }


def stacked(
    id: str,
    label: str,
    slots: Sequence[Slot],
    series: Iterable[Series],
    *,
    other: Series | None = None,
    unit: str = "usd",
    ranking: Sequence[str] = (),
    empty: str = "Nothing in this period.",
    over: str = "When",
) -> Chart:
    """At most six series in the order of their totals, the rest added up as Other; units: usd, tokens, count.

    `ranking` is the organization's own order of keys (say by the last 90 days): it fixes the colours,
    so that a model looks the same on every page and under every filter. `other` is a rest that is added up already.
    """
    ordered = sorted((one for one in series if any(one.values)), key=lambda one: (-one.total, one.name))
    if len(ordered) > MOST_SERIES + 1:
        ordered, rest = ordered[:MOST_SERIES], ordered[MOST_SERIES:]
    else:
        rest = []
    colour = colours([one.key for one in ordered], ranking)
    shown = [replace(one, colour=colour[one.key]) for one in ordered]
    if rest:
        sums = [sum(values, Decimal(0)) for values in zip(*(one.values for one in rest), strict=True)]
        shown.append(Series("", other_name(len(rest)), sums))
    if other:
        shown.append(other)
    return Chart(id, label, unit, slots, shown, empty, over)


def largest(parts: Iterable[Part], keep: int = MOST_SERIES) -> tuple[list[Part], list[Part]]:
    """Those that are shown, the largest first, and those that become Other, which is never one alone."""
    ordered = sorted(parts, key=lambda part: (-part.value, part.name))
    return (ordered, []) if len(ordered) <= keep + 1 else (ordered[:keep], ordered[keep:])


def other_name(number: int) -> str:
    return f"{OTHER} ({number})"


def rank(
    parts: Iterable[Part],
    *,
    unit: str = "usd",
    ranking: Sequence[str] = (),
    keep: int = MOST_SERIES,
    other: Part | None = None,
) -> list[Rank]:
    """A composition: the largest first, the rest as Other, each with its share of the whole.

    `other` is a rest that is added up already.
    """
    shown, rest = largest(parts, keep)
    colour = colours([part.key for part in shown], ranking)
    if rest:
        other = Part("", other_name(len(rest)), sum((part.value for part in rest), Decimal(0)))
    if other:
        shown = [*shown, other]
    total = sum((part.value for part in shown), Decimal(0))
    widest = max((part.value for part in shown), default=Decimal(0))
    return [
        Rank(
            name=part.name,
            text=TEXT[unit](part.value),
            exact=EXACT[unit](part.value),
            share=Decimal(part.value) / total if total > 0 else None,
            width=f"{max(Decimal(0), Decimal(part.value) / widest * 100) if widest > 0 else 0:.2f}",
            colour=colour.get(part.key, OTHER_COLOUR) if part.key else OTHER_COLOUR,
            href=part.href,
            logo=part.logo,
        )
        for part in shown
    ]


def colours(shown: Sequence[str], ranking: Sequence[str] = ()) -> Mapping[str, int]:
    """A palette place for each key: its own by the ranking when it has one, else a place nobody here uses."""
    own = {key: place for place, key in enumerate(ranking[:COLOURS], start=1)}
    taken = {key: own[key] for key in shown if key in own}
    free = [place for place in range(1, COLOURS + 1) if place not in taken.values()]
    for key in shown:
        if key not in taken:
            taken[key] = free.pop(0) if free else OTHER_COLOUR
    return taken


def axis(low: Decimal, high: Decimal, *, whole: bool) -> Axis:
    """Four or five round steps that hold both ends and zero; below zero quarter steps will do."""
    reach = max(high, Decimal(0)) - min(low, Decimal(0))
    if not reach:
        return Axis(Decimal(0), Decimal(4), Decimal(1))
    rough = reach / 4
    unit = Decimal(1).scaleb(rough.adjusted())
    step = next(unit * size for size in (1, 2, Decimal("2.5"), 5, 10) if unit * size >= rough)
    if whole:
        step = max(Decimal(1), step.to_integral_value(ROUND_CEILING))
    quarter = step / 4
    bottom = (min(low, Decimal(0)) / quarter).to_integral_value(ROUND_FLOOR) * quarter
    top = (max(high, Decimal(0)) / step).to_integral_value(ROUND_CEILING) * step
    return Axis(bottom, top, step)


def tick_labels(scale: Axis, unit: str, *, bare: bool = False) -> list[str]:
    """One word per tick; an empty chart names its zero only."""
    return [tick(value, scale.step, unit) if not bare or value == 0 else "" for value in scale.ticks]


def tick(value: Decimal, step: Decimal, unit: str) -> str:
    sign, size = (money.MINUS if value < 0 else ""), abs(value)
    before = f"{sign}$" if unit == "usd" else sign
    for scale, letter in money.STEPS:
        if size >= scale and (step >= scale / 20):
            return f"{before}{money.exact(size / scale)}{letter}"
    if unit == "usd" and step % 1:
        places = max(2, -int(step.normalize().as_tuple().exponent))
        return f"{before}{size:,.{places}f}" if size else f"{before}0"
    return f"{before}{money.exact(size)}"
