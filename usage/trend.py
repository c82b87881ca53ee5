"""Spend over time: which grain a period is drawn in, what each place is marked as and where it leads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from tokentra.lib.charts import Chart, Series, Slot, stacked
from tokentra.lib.periods import Grain, Period, after, floor
from usage import stats
from usage.comparing import written
from usage.forms import BY_HOUR

if TYPE_CHECKING:
    from usage.dashboard import Board

HOURS_UP_TO, DAYS_UP_TO, WEEKS_UP_TO = timedelta(days=2), timedelta(days=120), timedelta(days=400)


@dataclass(frozen=True)
class Trend:
    chart: Chart
    grain: Grain
    note: str

    @property
    def title(self) -> str:
        return f"Spend by {self.grain}"


def grain_of(period: Period) -> Grain:
    length = period.end - period.start
    for grain, longest in ((Grain.HOUR, HOURS_UP_TO), (Grain.DAY, DAYS_UP_TO), (Grain.WEEK, WEEKS_UP_TO)):
        if length <= longest:
            return grain
    return Grain.MONTH


def drawn(board: Board) -> Trend:
    grain = grain_of(board.period)
    if grain is Grain.HOUR and board.lens.filters.keys() - BY_HOUR:
        grain = Grain.DAY
    if grain is Grain.HOUR:
        question = replace(board.lens.question("hour", board.stack), ledger="computed")
        note = "Hours are usage multiplied by the price book."
    else:
        question, note = board.lens.question("day", board.stack), ""
    costs = list(stats.costs(board.organization, question))
    if grain is Grain.HOUR and sum(cost for *_, cost in costs) != board.total.cost:
        note += " A bill has days and no hours, so the total above differs."
    starts = list(board.period.steps(grain))
    slots = [slot(board, start, grain) for start in starts]
    label = f"Spend by {grain} and {board.stack}"
    empty = "Nothing was spent in this period."
    chart = stacked(
        "spend", label, slots, series(board, costs, starts, grain), ranking=board.rankings[board.stack], empty=empty
    )
    return Trend(chart, grain, note)


def series(board: Board, costs: list[tuple[Any, ...]], starts: list[datetime], grain: Grain) -> list[Series]:
    places = {start: place for place, start in enumerate(starts)}
    values: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(starts))
    for at, key, cost in costs:
        place = places.get(floor(instant(at), grain))
        if place is not None:
            values[key][place] += cost
    return [Series(key, board.names.shown(board.stack, key), amounts) for key, amounts in values.items()]


def instant(at: date | datetime) -> datetime:
    return at if isinstance(at, datetime) else datetime.combine(at, time.min, UTC)


def slot(board: Board, start: datetime, grain: Grain) -> Slot:
    if grain is Grain.HOUR:
        state = "partial" if floor(board.now, grain) == start else ""
        return Slot(
            f"{start:%H:%M}",
            f"{start:%a} {written(start.date())}, {start:%H:%M} UTC",
            drill(board, start, grain),
            state,
        )
    last = min(after(start, grain), board.period.end) - timedelta(days=1)
    days = [start.date() + timedelta(days=n) for n in range((last - start).days + 1)]
    states = {board.days.state(day, board.today) for day in days}
    state = "partial" if "partial" in states else "unsettled" if "unsettled" in states else ""
    label = f"{start:%b %Y}" if grain is Grain.MONTH else written(start.date())
    title = {
        Grain.DAY: f"{start:%a} {written(start.date())} {start:%Y}",
        Grain.WEEK: f"{written(start.date())} to {written(last.date())} {last:%Y}",
        Grain.MONTH: f"{start:%B %Y}",
    }[grain]
    return Slot(label, title, drill(board, start, grain), state)


def drill(board: Board, start: datetime, grain: Grain) -> str:
    """The rows behind one bar."""
    first = max(start, board.period.start).date()
    last = (
        start.date() if grain is Grain.HOUR else (min(after(start, grain), board.period.end) - timedelta(days=1)).date()
    )
    lens = board.lens.on(first, last)
    groups = {"group": ("hour", "model")} if grain is Grain.HOUR else {"group": ("day", "model")}
    return f"{reverse('usage:explorer')}?{lens.query(**groups)}"
