"""Charts of measured spend: cost over time by model, and how long calls took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from tokentra.lib.charts import Chart, Number, Series, Slot, stacked
from tokentra.lib.money import duration
from tokentra.lib.periods import HOUR, Grain, after, floor
from usage.comparing import written
from usage.latency import BOUNDS
from usage.spenders.spans import Span
from usage.trend import grain_of

Point = tuple[Any, str, Decimal]  # day or hour, key, amount


@dataclass(frozen=True)
class Axis:
    """The places of a chart: where each begins, and which place a day or hour falls into."""

    span: Span
    grain: Grain
    starts: list[datetime]

    @classmethod
    def of(cls, span: Span) -> "Axis":
        grain = Grain.HOUR if span.by_hour else max_day(grain_of(span.period))
        if span.by_hour:
            count = int((span.end - span.start) / HOUR)
            return cls(span, grain, [span.start + HOUR * n for n in range(count)])
        return cls(span, grain, list(span.period.steps(grain)))

    def place(self, at: date | datetime) -> int | None:
        if isinstance(at, datetime):
            place = int((at - self.starts[0]) / HOUR)
            return place if 0 <= place < len(self.starts) else None
        start = floor(datetime(at.year, at.month, at.day, tzinfo=self.starts[0].tzinfo), self.grain)
        return self._places.get(start)

    @cached_property
    def _places(self) -> dict[datetime, int]:
        return {start: place for place, start in enumerate(self.starts)}

    def slots(self, path: str) -> list[Slot]:
        """Each leads to the page of its own days."""
        return [self._slot(start, path) for start in self.starts]

    def _slot(self, start: datetime, path: str) -> Slot:
        if self.span.by_hour:
            local = start.astimezone(self.span.zone)
            state = "partial" if start <= self.span.now < start + HOUR else ""
            return Slot(f"{local:%H:%M}", f"{local:%a} {written(local.date())}, {local:%H:%M}", "", state)
        first = max(start, self.span.period.start).date()
        last = (min(after(start, self.grain), self.span.period.end) - timedelta(seconds=1)).date()
        state = "partial" if first <= self.span.today <= last else ""
        title = f"{first:%a} {written(first)} {first:%Y}"
        if self.grain is Grain.MONTH:
            title = f"{first:%B %Y}"
        elif self.grain is Grain.WEEK:
            title = f"{written(first)} to {written(last)} {last:%Y}"
        label = f"{first:%b %Y}" if self.grain is Grain.MONTH else written(first)
        return Slot(label, title, f"{path}?from={first}&to={last}", state)


def max_day(grain: Grain) -> Grain:
    """Days at least: what is kept by the hour is drawn by the hour only where hours were asked for."""
    return Grain.DAY if grain is Grain.HOUR else grain


def costs(
    span: Span,
    points: Iterable[Point],
    *,
    names: Mapping[str, str],
    path: str,
    ranking: Sequence[str] = (),
    empty: str = "No call in this period.",
) -> Chart:
    """Cost over time, by the key of each point."""
    axis = Axis.of(span)
    values: dict[str, list[Number]] = defaultdict(lambda: [Decimal(0)] * len(axis.starts))
    for at, key, amount in points:
        place = axis.place(at)
        if place is not None:
            values[key][place] += amount
    series = [Series(key, names.get(key, key), amounts) for key, amounts in values.items()]
    label = f"Cost by {axis.grain}"
    return stacked("spend", label, axis.slots(path), series, ranking=ranking, empty=empty)


def latencies(spread: Sequence[int]) -> Chart:
    """How many calls took how long."""
    used = [place for place, count in enumerate(spread) if count] or [0]
    shown = range(max(0, used[0] - 1), min(len(spread), used[-1] + 2))
    slots = [Slot(f"≤ {duration(BOUNDS[n])}" if n < len(BOUNDS) else f"> {duration(BOUNDS[-1])}") for n in shown]
    series = [Series("calls", "Calls", [spread[n] for n in shown])]
    label, empty = "Calls by how long they took", "No call told its latency."
    return stacked("latencies", label, slots, series, unit="count", empty=empty, over="Took")
