"""What the figures lack and how far they reach, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tokentra.lib.periods import Period
from usage.comparing import Days, written
from usage.freshness import Reach
from usage.names import provider_name


@dataclass(frozen=True)
class Fresh:
    """How far one account's figures reach, as the page head says it."""

    name: str
    bill_to: date | None
    usage_until: datetime | None
    style: str
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Gap:
    """Something that is missing in the figures above, in words."""

    provider: str
    words: str


def fresh(accounts: list[Reach], today: date) -> list[Fresh]:
    """Two accounts of one provider are told apart by the end of their ids."""
    providers = [each.provider for each in accounts]
    return [
        Fresh(
            provider_name(each.provider)
            + (f" (…{str(each.connection_id)[-4:]})" if providers.count(each.provider) > 1 else ""),
            each.bill_to,
            each.usage_until,
            "time" if each.usage_until and each.usage_until.date() == today else "datetime",
            each.ended_at,
        )
        for each in accounts
    ]


def gaps(accounts: list[Reach], days: Days, over: Period) -> list[Gap]:
    """Days that are over and not read whole."""
    found = []
    for each in accounts:
        missing = days.missing(over).get(str(each.connection_id), over.days)
        known = [day for day in missing if day >= each.first_day and not (each.over_from and day >= each.over_from)]
        if any(day < each.first_day for day in missing):
            words = f"is read back to {written(each.first_day)}; earlier days are not in these figures"
            found.append(Gap(provider_name(each.provider), words))
        if known:
            found.append(Gap(provider_name(each.provider), f"is not read completely for {days_in_words(known)}"))
    return found


def and_list(names: Iterable[str], most: int = 5, *, number: int = 0) -> str:
    """`number` is how many there are, where not all of them are given."""
    shown = list(names)
    number = max(number, len(shown))
    if number > most:
        shown = [*shown[:most], f"{number - most} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def days_in_words(days: list[date]) -> str:
    """Runs of days, written shortly: "3 Nov", "3 to 5 Nov", "30 Oct to 2 Nov"."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = runs[-1][0], day
        else:
            runs.append((day, day))
    return and_list(run_in_words(*run) for run in runs)


def run_in_words(first: date, last: date) -> str:
    if first == last:
        return written(first)
    return f"{first.day if (first.month, first.year) == (last.month, last.year) else written(first)} to {written(last)}"
