"""How near forecasts of a month's end come and how honest their bands are, beside carrying the month's run rate on.

Each year is told to both day by day: no forecast sees a day that comes after it.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median

from budgets.rules.forecast import forecast
from tests.bench import years
from tests.bench.figures import Figure
from tests.bench.years import Year

YEARS, SEED = 200, 2027  # not the seed that the rule's numbers were chosen with
FROM_DAYS = (3, 10, 17, 24)  # days of the month that are known
HISTORY = 120
COVERAGE = (0.75, 0.86)


@dataclass(frozen=True, slots=True)
class Told:
    """A month as it was foreseen on one of its days, and as it came."""

    known: int
    low: Decimal
    mid: Decimal
    high: Decimal
    run_rate: Decimal
    came: Decimal

    @property
    def is_within(self) -> bool:
        return self.low <= self.came <= self.high

    def off(self, foreseen: Decimal) -> float:
        return float(abs(foreseen - self.came) / self.came)


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    told = [each for year in years.simulated(YEARS, seed=SEED) for each in months(year, history=HISTORY)]
    yield from figures(f"{YEARS} simulated years", told, within=COVERAGE)
    young = [each for year in years.simulated(YEARS, seed=SEED) for each in months(year, history=21)]
    yield from figures("the same, of which three weeks are known", young, within=COVERAGE)
    yield from figures("the sample workspace's year", list(months(years.sample(), history=HISTORY)))


def months(year: Year, *, history: int) -> Iterator[Told]:
    """Every whole month of a year after its first two, foreseen on four of its days."""
    for start in range(60, len(year.daily)):
        first = year.day(start)
        length = monthrange(first.year, first.month)[1]
        if first.day != 1 or start + length > len(year.daily):
            continue
        came = sum(year.daily[start : start + length], Decimal(0))
        for known in FROM_DAYS:
            end = start + known
            begin = max(0, end - history)
            spent = sum(year.daily[start:end], Decimal(0))
            seen = forecast(year.daily[begin:end], days_left=length - known, first_weekday=year.day(begin).weekday())
            if seen and came:
                yield Told(known, spent + seen.low, spent + seen.mid, spent + seen.high, spent / known * length, came)


def figures(name: str, told: list[Told], within: tuple[float, float] | None = None) -> Iterator[Figure]:
    least, most = within or (None, None)
    yield Figure(f"{name}: months within the 80 % band", share(told), "", at_least=least, at_most=most)
    for known in FROM_DAYS:
        some = [each for each in told if each.known == known]
        ours, plain = (median(each.off(foreseen(each)) for each in some) for foreseen in (mid_of, run_rate_of))
        yield Figure(f"{name}, day {known}: within the band", share(some), "")
        yield Figure(f"{name}, day {known}: median error", 100 * ours, "%", at_most=100 * plain if within else None)
        yield Figure(f"{name}, day {known}: median error of the run rate", 100 * plain, "%")


def share(told: Iterable[Told]) -> float:
    inside = [each.is_within for each in told]
    return sum(inside) / len(inside)


def mid_of(each: Told) -> Decimal:
    return each.mid


def run_rate_of(each: Told) -> Decimal:
    return each.run_rate
