"""How often one person or organization may do something, and when the next time counts. Pure: no Django."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNITS = {HOUR: "an hour", DAY: "a day"}


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many times within a span that ends now."""

    most: int
    within: timedelta

    @property
    def in_words(self) -> str:
        return f"{self.most} {UNITS[self.within]}"


class TooMany(Exception):
    """A pace was kept up for its whole span: says which, and for how long nothing more counts."""

    def __init__(self, sentence: str, pace: Pace, wait: timedelta) -> None:
        super().__init__(sentence)
        self.pace, self.wait = pace, wait

    @property
    def seconds(self) -> int:
        return max(1, -int(-self.wait.total_seconds() // 1))


def longest_wait(times: Sequence[datetime], paces: Sequence[Pace], now: datetime) -> tuple[Pace, timedelta] | None:
    """The pace that holds longest, and how long. `times`, the newest first, are at least as many as the largest."""
    full = [(pace, times[pace.most - 1] + pace.within - now) for pace in paces if len(times) >= pace.most]
    return max((each for each in full if each[1] > timedelta(0)), key=lambda each: each[1], default=None)


def in_words(wait: timedelta) -> str:
    """`in 42 minutes`, `in 3 hours`: rounded up, so that it is never too early."""
    minutes = max(1, -int(-wait.total_seconds() // 60))
    number, unit = (minutes, "minute") if minutes <= 90 else (-(-minutes // 60), "hour")
    return f"in {number} {unit}{'' if number == 1 else 's'}"
