"""How many of the things that happened in labelled years are told of, and how many alarms are about nothing.

The naive way beside it is what is often built: a day more than three standard deviations above the mean of the
last 28. Both are asked every evening, with the same least amount and history.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import fmean, pstdev

from budgets.rules import anomaly
from tests.bench import years
from tests.bench.figures import Figure
from tests.bench.years import Happening, Year

YEARS, SEED = 200, 2027  # not the seed that the rule's numbers were chosen with
MINIMUM = Decimal(5)
CALM = 3  # so many calm days end an alarm
LATE = 1  # days after something began by which it has to be told

Rule = Callable[[list[Decimal], date], bool]


def ours(daily: list[Decimal], last: date) -> bool:
    return anomaly.look(daily, last, minimum=MINIMUM) is not None


def z_score(daily: list[Decimal], last: date) -> bool:
    past = [float(amount) for amount in daily[-29:-1]]
    if len(past) < anomaly.FEWEST_DAYS:
        return False
    mean, spread = fmean(past), pstdev(past)
    return float(daily[-1]) > mean + 3 * spread and float(daily[-1]) - mean >= MINIMUM


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    labelled = list(years.simulated(YEARS, seed=SEED))
    goals: dict[str, dict[str, float]] = {"recall": {"at_least": 0.8}, "precision": {"at_least": 0.55}}
    for name, rule, wanted in (("ours", ours, goals), ("z-score", z_score, {})):
        told, events, right, total = score(labelled, rule)
        yield Figure(f"{name}: recall ({told} of {events} told)", told / events, "", **wanted.get("recall", {}))
        yield Figure(f"{name}: precision ({right} of {total} alarms)", right / total, "", **wanted.get("precision", {}))
        yield Figure(f"{name}: false alarms in a year", (total - right) / YEARS, "")


def score(labelled: Iterable[Year], rule: Rule) -> tuple[int, int, int, int]:
    """Things told of in time, all things to tell of, alarms about one, all alarms."""
    told = events = right = total = 0
    for year in labelled:
        rung = list(alarms(year, rule))
        wanted = [one for one in year.happenings if one.is_to_tell and one.first >= anomaly.FEWEST_DAYS]
        events += len(wanted)
        told += sum(any(is_about(one, first, last) for first, last in rung) for one in wanted)
        right += sum(
            any(is_about(one, first, last) for one in year.happenings if one.is_to_tell) for first, last in rung
        )
        total += len(rung)
    return told, events, right, total


def alarms(year: Year, rule: Rule) -> Iterator[tuple[int, int]]:
    """The first and last day of each alarm; days with few calm ones between them are one."""
    first = last = -1
    for number in range(len(year.daily)):
        if not rule(list(year.daily[max(0, number - 100) : number + 1]), year.day(number)):
            continue
        if last >= 0 and number - last <= CALM:
            last = number
            continue
        if last >= 0:
            yield first, last
        first = last = number
    if last >= 0:
        yield first, last


def is_about(one: Happening, first: int, last: int) -> bool:
    """Whether an alarm rang while it happened, or at the latest a day after it began."""
    return first <= one.first + max(one.days - 1, LATE) and last >= one.first
