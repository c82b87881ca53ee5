"""Years of spend that nobody had, with what happened in them written beside: labelled, and the same for the same seed."""

import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

DAYS = 365
DAY = timedelta(days=1)
TO_TELL_FROM = 1.6  # a rise by this factor within a week is something that people want to hear of


class Kind(StrEnum):
    LAUNCH = "launch"
    RAMP = "ramp"  # a launch over days
    END = "end"  # something was switched off
    PRICE = "price"
    INCIDENT = "incident"  # a retry storm, a leaked key, a loop
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Happening:
    """What changed spend by `factor` on the days from `first` on; `days` is how long an incident or a ramp took."""

    kind: Kind
    first: int
    days: int
    factor: float

    @property
    def is_to_tell(self) -> bool:
        """Whether somebody who pays would want to be told of it as unusually high."""
        if self.kind is Kind.RAMP:
            return bool(self.factor ** min(7 / self.days, 1) >= TO_TELL_FROM)
        return self.kind is Kind.INCIDENT or (self.kind is Kind.LAUNCH and self.factor >= TO_TELL_FROM)

    def level(self, day: int) -> float:
        if day < self.first:
            return 1.0
        if self.kind in (Kind.INCIDENT, Kind.OUTAGE):
            return self.factor if day < self.first + self.days else 1.0
        if self.kind is Kind.RAMP:
            return float(self.factor ** min((day - self.first + 1) / self.days, 1))
        return self.factor


@dataclass(frozen=True, slots=True)
class Year:
    name: str
    start: date
    daily: tuple[Decimal, ...]
    happenings: tuple[Happening, ...] = ()

    @property
    def first_weekday(self) -> int:
        return self.start.weekday()

    def day(self, number: int) -> date:
        return self.start + DAY * number


def simulated(count: int, *, seed: int) -> Iterator[Year]:
    """Companies of different sizes, habits, noise and luck."""
    for number in range(count):
        yield year(f"year {seed}/{number}", random.Random(f"{seed}:{number}"))


def year(name: str, chance: random.Random) -> Year:
    start = date(2025, 1, 1) + DAY * chance.randrange(365)
    base = math.exp(chance.uniform(math.log(5), math.log(5_000)))
    growth = math.log1p(chance.uniform(-0.2, 2.5)) / DAYS
    week = habits(chance)
    noise, memory = chance.uniform(0.04, 0.22), chance.uniform(0.0, 0.5)
    monthly = chance.uniform(0.4, 2.5) if chance.random() < 0.2 else 0.0  # a job on the first of each month
    holidays = set(chance.sample(range(DAYS), 8))
    happened = tuple(happenings(chance))
    daily, drift = [], 0.0
    for number in range(DAYS):
        day = start + DAY * number
        drift = memory * drift + chance.gauss(0, noise) * math.sqrt(1 - memory**2)
        weekday = 6 if number in holidays and week[6] < 1 else day.weekday()
        level = base * math.exp(growth * number + drift - noise**2 / 2) * week[weekday]
        for happening in happened:
            level *= happening.level(number)
        if day.day == 1:
            level += base * math.exp(growth * number) * monthly
        daily.append(Decimal(f"{level:.6f}"))
    return Year(name, start, tuple(daily), happened)


def habits(chance: random.Random) -> list[float]:
    """What each weekday costs beside an ordinary one: offices rest, shops do not, pipelines do not care."""
    kind = chance.choice(("office", "office", "shop", "pipeline"))
    weekdays = [chance.uniform(0.92, 1.08) for _ in range(5)]
    low, high = {"office": (0.12, 0.5), "shop": (1.05, 1.35), "pipeline": (0.95, 1.05)}[kind]
    weekend = chance.uniform(low, high)
    return [*weekdays, weekend * chance.uniform(0.9, 1.1), weekend * chance.uniform(0.9, 1.1)]


def happenings(chance: random.Random) -> Iterator[Happening]:
    """None within a week after another, so that each can be told from the one before."""
    taken: list[int] = []
    kinds = [
        *[Kind.LAUNCH] * chance.randint(0, 2),
        *[Kind.RAMP] * chance.randint(0, 2),
        *[Kind.END] * chance.randint(0, 1),
        *[Kind.PRICE] * chance.randint(0, 2),
        *[Kind.INCIDENT] * chance.randint(0, 5),
        *[Kind.OUTAGE] * chance.randint(0, 2),
    ]
    for kind in kinds:
        first = chance.randrange(5, DAYS - 5)
        if any(abs(first - other) < 8 for other in taken):
            continue
        taken.append(first)
        days, factor = {
            Kind.LAUNCH: (1, chance.uniform(1.2, 2.5)),
            Kind.RAMP: (chance.randint(6, 21), chance.uniform(1.2, 2.5)),
            Kind.END: (1, chance.uniform(0.5, 0.85)),
            Kind.PRICE: (1, chance.choice((chance.uniform(0.6, 0.9), chance.uniform(1.05, 1.3)))),
            Kind.INCIDENT: (chance.randint(1, 3), chance.uniform(1.6, 8.0)),
            Kind.OUTAGE: (chance.randint(1, 2), chance.uniform(0.02, 0.4)),
        }[kind]
        yield Happening(kind, first, days, factor)


def sample() -> Year:
    """A year of the story that the sample workspace tells, priced by the book; its credits are left out."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")
    django.setup()  # the story's module knows where it is written to, though nothing is written here
    from usage import demo
    from usage.pricing import Pricer

    last = date(2026, 11, 25)
    first = last - DAY * (DAYS - 1)
    stretch = demo.Stretch(
        first, last + DAY, datetime.combine(last + DAY, time.min, UTC), last - DAY * (DAYS - demo.DAYS)
    )
    pricer, costs = Pricer(), dict.fromkeys((first + DAY * number for number in range(DAYS)), Decimal(0))
    for provider in demo.USAGE_ENDPOINT:
        for row in demo.usage_of(provider, stretch):
            costs[row.day] += pricer.price(row).amount or Decimal(0)
    return Year("sample workspace", first, tuple(costs.values()))
