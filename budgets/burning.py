"""A burn-down as it is drawn: what was left day by day, what is foreseen of the days to come, and the thresholds.

A drawing is 1000 high and 100 wide for each day; the page stretches it over the plot. Nothing here asks the database.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from budgets.forecasting import Heading
from tokentra.lib import charts, money
from tokentra.lib.charts import Axis

HIGH, WIDE = 1000, 100
MOST_LABELS = 7
ZERO = Decimal(0)
TEXT = {"usd": money.dollars, "tokens": money.tokens}


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a height or a place, in percent."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A day in words; "" where there is nothing to say."""

    place: int
    day: str
    note: str
    left: str
    foreseen: str
    band: str

    @property
    def sentence(self) -> str:
        """On hover."""
        if self.left:
            return f"{self.day}: {self.left} left{self.note}"
        return f"{self.day}: {self.foreseen} left as foreseen, in four of five cases {self.band}"


@dataclass(frozen=True)
class BurnDown:
    """`used` by day; `course` says what the whole period will have come to by the end of a day from today on."""

    days: Sequence[date]
    used: Mapping[date, Decimal]
    limit: Decimal
    thresholds: Sequence[int]
    course: Mapping[date, Heading]
    today: date
    unit: str

    @cached_property
    def left(self) -> list[Decimal]:
        """At the end of each day that has begun; below zero once more is used than there was."""
        left, found = self.limit, []
        for day in self.days:
            if day > self.today:
                break
            left -= self.used.get(day, ZERO)
            found.append(left)
        return found

    @cached_property
    def axis(self) -> Axis:
        """From the limit down to what is foreseen, though never so far that what was left is hard to see."""
        foreseen = min((self.limit - each.high for each in self.course.values()), default=ZERO)
        lowest = min([ZERO, *self.left])
        bottom = min(max(foreseen, min(-self.limit, lowest * 3)), lowest)
        return charts.axis(bottom, self.limit, whole=self.unit != "usd")

    @property
    def width(self) -> int:
        return WIDE * len(self.days)

    @property
    def ticks(self) -> list[Mark]:
        labels = charts.tick_labels(self.axis, self.unit)
        return [
            Mark(f"{self.axis.share(value) * 100:.2f}", label)
            for value, label in zip(self.axis.ticks, labels, strict=True)
        ]

    @property
    def lines(self) -> list[Mark]:
        """Thresholds below the limit, at what is left when they are reached."""
        heights = [(each, self.limit * (100 - each) / 100) for each in self.thresholds if each < 100]
        return [Mark(f"{self.axis.share(value) * 100:.2f}", f"{each}%") for each, value in heights]

    @property
    def used_up(self) -> str:
        return f"{self.axis.share(ZERO) * 100:.2f}"

    @property
    def labels(self) -> list[Mark]:
        every = -(-len(self.days) // MOST_LABELS)
        return [
            Mark(f"{(place + 0.5) / len(self.days) * 100:.2f}", f"{day:%-d %b}")
            for place, day in enumerate(self.days)
            if place % every == 0
        ]

    @property
    def actual(self) -> str:
        """As an SVG path."""
        return self.path([(0, self.limit), *enumerate(self.left, start=1)])

    @property
    def foreseen(self) -> str:
        return self.path([self.now, *((self.end(day), self.limit - each.mid) for day, each in self.course.items())])

    @property
    def band(self) -> str:
        """Out along what is left at best, and back along what is left at worst."""
        best = [(self.end(day), self.limit - each.low) for day, each in self.course.items()]
        worst = [(self.end(day), self.limit - each.high) for day, each in self.course.items()]
        return f"{self.path([self.now, *best, *reversed(worst)])}Z"

    @property
    def now(self) -> tuple[int, Decimal]:
        """Where the way that is foreseen sets out: the end of yesterday, as today is foreseen as a whole."""
        began = [*self.left[:-1]]
        return len(began), began[-1] if began else self.limit

    def end(self, day: date) -> int:
        return (day - self.days[0]).days + 1

    def path(self, points: Sequence[tuple[int, Decimal]]) -> str:
        return "M" + "L".join(f"{place * WIDE} {self.height(value):.1f}" for place, value in points)

    def height(self, value: Decimal) -> Decimal:
        """From the top of the drawing, which ends where the axis does."""
        return HIGH * (1 - min(max(self.axis.share(value), ZERO), Decimal(1)))

    @property
    def rows(self) -> Iterator[Row]:
        for place, day in enumerate(self.days):
            is_known = place < len(self.left)
            ahead = self.course.get(day)
            if not is_known and ahead is None:
                continue
            yield Row(
                place,
                day=f"{day:%a %-d %b}",
                note=" so far" if day == self.today else "",
                left=self.text(self.left[place]) if is_known else "",
                foreseen=self.text(self.limit - ahead.mid) if ahead else "",
                band=f"{self.text(self.limit - ahead.high)} to {self.text(self.limit - ahead.low)}" if ahead else "",
            )

    @property
    def columns(self) -> Iterator[tuple[str, str]]:
        """Where a day that has a row stands, and what it says on hover."""
        for row in self.rows:
            yield f"{row.place / len(self.days) * 100:.3f}", row.sentence

    @property
    def column_width(self) -> str:
        return f"{100 / len(self.days):.3f}"

    def text(self, value: Decimal) -> str:
        return TEXT[self.unit](value)
