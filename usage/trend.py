"""Spend over time: which grain a period is drawn in, what each place is marked as and where it leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tokentra.lib.charts import Chart, Series, Slot, other_name, stacked
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


def grain_on(board: Board) -> Grain:
    grain = grain_of(board.period)
    return Grain.DAY if grain is Grain.HOUR and board.lens.filters.keys() - BY_HOUR else grain


def has_hours_of_its_own(board: Board) -> bool:
    """Whether it draws hours of whole days: those of a bill have none, so that something else may cost the most."""
    return grain_on(board) is Grain.HOUR and board.period.is_whole_days


def drawn(board: Board) -> Trend:
    grain = grain_on(board)
    is_by_hour = grain is Grain.HOUR
    dearest = board.dearest.get("hours") or board.dearest[board.stack]
    question = board.lens.question("hour" if is_by_hour else "day", board.stack)
    keep = [key for each in dearest.shown for key in each.keys] if dearest.others else None
    costs, note = list(stats.costs(board.organization, question, keep=keep)), ""
    if is_by_hour:
        by_code = " or measured by your own code" if board.total.measured else ""
        note = f"Hours are usage multiplied by the price book{by_code}."
        if sum(cost for *_, cost in costs) != board.total.cost:
            note += " A bill has days and no hours, so the total above differs."
    starts = list(board.period.steps(grain))
    values = by_key(costs, starts, grain)
    added = values.pop(None, None)
    link = drill(board, grain)
    chart = stacked(
        "spend",
        f"Spend by {grain} and {board.stack}",
        [slot(board, start, grain, link) for start in starts],
        [Series(str(key), board.names.shown(board.stack, key), amounts) for key, amounts in values.items()],
        other=Series("", other_name(dearest.others), added) if added else None,
        ranking=board.rankings[board.stack],
        empty=board.no_cost,
    )
    return Trend(chart, grain, note)


def by_key(costs: list[tuple[Any, ...]], starts: list[datetime], grain: Grain) -> dict[str | None, list[Decimal]]:
    """The amounts of each key, a place for each start."""
    places = {start: place for place, start in enumerate(starts)}
    place_of = {at: places.get(floor(instant(at), grain)) for at in {at for at, *_ in costs}}
    values: dict[str | None, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * len(starts))
    for at, key, cost in costs:
        place = place_of[at]
        if place is not None:
            values[key][place] += cost
    return dict(values)


def instant(at: date | datetime) -> datetime:
    return at if isinstance(at, datetime) else datetime.combine(at, time.min, UTC)


def slot(board: Board, start: datetime, grain: Grain, link: Callable[[date, date], str]) -> Slot:
    if grain is Grain.HOUR:
        state = "partial" if floor(board.now, grain) == start else ""
        day = start.date()
        return Slot(f"{start:%H:%M}", f"{start:%a} {written(day)}, {start:%H:%M} UTC", link(day, day), state)
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
    return Slot(label, title, link(max(start, board.period.start).date(), last.date()), state)


def drill(board: Board, grain: Grain) -> Callable[[date, date], str]:
    """The way to the rows of some days, which is all that differs from bar to bar."""
    groups = ("hour", "model") if grain is Grain.HOUR else ("day", "model")
    rest = replace(board.lens, extra={}).query_but_period(group=groups)
    return lambda first, last: f"{board.table}?from={first}&to={last}&{rest}"
