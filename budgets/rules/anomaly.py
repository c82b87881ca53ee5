"""Whether a day's spend is unlike its kind, and the sentence that says why. Pure.

A day is compared with what its weekday usually costs at the level of the last weeks. How far from that a day
usually is, is measured by medians, so that an earlier odd day neither hides a later one nor makes one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median

from budgets.rules import weekdays
from budgets.rules.weekdays import WEEK
from tokentra.lib import money

FEWEST_DAYS = 14  # of history, before anything is called unusual
LOOKS_BACK = 56
LOOKS_BACK_MONTHLY = 93  # so far, three days of the same number in their months are known
LEVEL_DAYS = 10  # over which the level is taken: long enough to ignore an odd day, short enough to follow growth
SIGMA = 1.4826  # from a median deviation to a standard one, where there is nothing odd
LEAST_SCALE = 0.07  # nobody's days are more alike than this
RARE = 3.2  # so many usual deviations away
LEAST_RISE = 0.5  # and so much above what was expected: people do not act on less


class Sensitivity(StrEnum):
    """How far from the usual a day has to be."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


DEVIATIONS = {Sensitivity.LOW: 5.0, Sensitivity.NORMAL: RARE, Sensitivity.HIGH: 2.2}
RISES = {Sensitivity.LOW: 1.0, Sensitivity.NORMAL: LEAST_RISE, Sensitivity.HIGH: 0.25}


@dataclass(frozen=True, slots=True)
class Unusual:
    """A day that cost more, or less, than days like it: `seldom_beyond` is what nineteen of twenty stay within."""

    day: date
    spent: Decimal
    expected: Decimal
    seldom_beyond: Decimal
    days: int
    deviations: float

    @property
    def is_high(self) -> bool:
        return self.spent > self.expected

    @property
    def times(self) -> Decimal | None:
        """How many times the usual; None where the usual is nothing."""
        return self.spent / self.expected if self.expected else None

    @property
    def sentence(self) -> str:
        """The finding with its numbers, for a person."""
        weekday = f"{self.day:%A}"
        spent, expected, bound = (money.dollars(each) for each in (self.spent, self.expected, self.seldom_beyond))
        beyond = "more" if self.is_high else "less"
        usual = f"A {weekday} at the level of the last {self.days} days costs about {expected}"
        return f"{weekday}, {self.day:%-d %B}, cost {spent}. {usual}, and seldom {beyond} than {bound}."


def look(
    daily: Sequence[Decimal],
    last: date,
    *,
    minimum: Decimal,
    sensitivity: Sensitivity = Sensitivity.NORMAL,
    falls: bool = False,
) -> Unusual | None:
    """What is unusual about the day `last`, the last of `daily`; None where nothing is, or too little is known.

    It has to cost at least `minimum` more than expected (with `falls`: also that much less). `daily` are whole
    days in order without a gap.
    """
    known = [max(float(amount), 0.0) for amount in daily[:-1][-LOOKS_BACK_MONTHLY:]]
    past = known[-LOOKS_BACK:]
    if len(past) < FEWEST_DAYS or not any(past):
        return None
    spent = max(float(daily[-1]), 0.0)
    first_weekday = (last.weekday() - len(past)) % WEEK
    by = weekdays.factors(past, first_weekday)
    ordinary = weekdays.adjusted(past, first_weekday, by)
    habit = by[last.weekday()]
    level = median(ordinary[-LEVEL_DAYS:])
    scale = max(SIGMA * median(abs(each) for each in deviations(ordinary)), LEAST_SCALE)
    expected = level * habit + monthly(known, last, by)
    off = distance(spent, expected, floor=level)
    rise = spent / expected - 1 if expected else math.inf
    is_far = abs(off) >= DEVIATIONS[sensitivity] * scale
    is_much = (
        rise >= RISES[sensitivity] if off > 0 else falls and rise <= -RISES[sensitivity] / (1 + RISES[sensitivity])
    )
    if not is_far or not is_much or abs(Decimal(repr(spent)) - Decimal(repr(expected))) < minimum:
        return None
    bound = expected * math.exp(math.copysign(1.645 * scale, off))
    return Unusual(
        day=last,
        spent=daily[-1],
        expected=Decimal(repr(expected)),
        seldom_beyond=Decimal(repr(bound)),
        days=min(len(past), LEVEL_DAYS),
        deviations=abs(off) / scale,
    )


def monthly(known: Sequence[float], last: date, by: Sequence[float]) -> float:
    """What this day of the month costs beside what its weekday does, where something runs once a month.

    Every earlier day of the same number has to have stood out, and the least of them is believed.
    """
    first_weekday = (last.weekday() - len(known)) % WEEK
    ordinary = weekdays.adjusted(known, first_weekday, by)
    seen = [
        known[place] - level * by[(first_weekday + place) % WEEK]
        for place in range(len(known))
        if (last - timedelta(days=len(known) - place)).day == last.day
        and len(around := ordinary[max(0, place - WEEK) : place] + ordinary[place + 1 : place + 1 + WEEK]) >= WEEK
        and (level := median(around)) > 0
    ]
    least = min(seen, default=0.0)
    return least if least > LEAST_RISE / 2 * median(ordinary[-LEVEL_DAYS:]) else 0.0


def deviations(ordinary: Sequence[float]) -> list[float]:
    """How far each day was from the level of the days before it."""
    return [
        distance(ordinary[place], level, floor=level)
        for place in range(WEEK, len(ordinary))
        if (level := median(ordinary[max(0, place - LEVEL_DAYS) : place])) > 0
    ] or [LEAST_SCALE]


def distance(amount: float, expected: float, *, floor: float) -> float:
    """The logarithm of how many times it is; a hundredth of `floor` more on both sides, so that nothing divides too."""
    little = floor / 100 or 1e-9
    return math.log((amount + little) / (expected + little))
