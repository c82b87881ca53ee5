"""Which earlier stretch a period may honestly be compared with, and what of it was read. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from tokentra.lib.periods import HOUR, Grain, Period, floor
from usage.counting import Counted, State, end_of

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """The part of a period that is over and an equal part before it; `words` name the earlier one.

    By the hour both are usage, since bills have no hours. `without` names days of the period that are in its figure
    and not compared.
    """

    now: Period
    before: Period
    words: str
    by_hour: bool = False
    without: str = ""

    @property
    def against(self) -> str:
        """Said beside the figure of the whole period."""
        return f"{self.words}, without {self.without}" if self.without else self.words


def pair(period: Period, until: datetime | None, today: date) -> Pair | None:
    """None when nothing of the period is over yet. `until` is how far usage was read."""
    if not period.is_whole_days or period.first_day == today:
        return hours(period, until)
    end = min(period.end, datetime.combine(today, time.min, UTC), floor(until, Grain.DAY) if until else period.end)
    if end <= period.start:
        return None
    current = Period(period.start, end, period.preset)
    days = (end - period.start).days
    before = Period(period.start - days * ONE_DAY, period.start)
    words = "the day before" if days == 1 else f"the {days} days before"
    if period.preset == "last_month" and end == period.end:
        before = period.previous()
        words = f"{before.start:%B}"
    if period.preset == "month":
        before = current.previous()
        words = f"{written(before.first_day)} to {written(before.last_day)}"
    return Pair(current, before, words, without=left_out(period, end, today))


def left_out(period: Period, end: datetime, today: date) -> str:
    """The days from `end` on that the period has, as far as they have begun."""
    if end >= period.end:
        return ""
    first, last = end.date(), min(period.last_day, today)
    words = "today" if last == today else written(last)
    return words if first == last else f"{written(first)} to {words}"


def hours(period: Period, until: datetime | None) -> Pair | None:
    end = min(period.end, floor(until, Grain.HOUR)) if until else period.start
    if end - period.start < HOUR:
        return None
    words = "the same whole hours a day earlier"
    return Pair(Period(period.start, end), Period(period.start - ONE_DAY, end - ONE_DAY), words, by_hour=True)


def written(day: date) -> str:
    return f"{day.day} {day:%b}"


class ReadDay(NamedTuple):
    """What a page needs of a LedgerDay, of which ninety days of some accounts make hundreds."""

    connection_id: UUID
    day: date
    provider: str
    counted: str
    state: str
    usage_read_at: datetime | None


@dataclass(frozen=True)
class Days:
    """What was read of each account's days, in a stretch that holds a period and what came before it."""

    held: dict[tuple[str, date], ReadDay]
    accounts: dict[str, str]  # connection id: provider
    ends: Mapping[str, date] = field(default_factory=dict)  # of accounts that ended, the first day without figures

    @classmethod
    def of(cls, rows: Iterable[ReadDay], ends: Mapping[str, date] | None = None) -> "Days":
        held = {(str(row.connection_id), row.day): row for row in rows}
        return cls(held, {str(row.connection_id): row.provider for row in held.values()}, ends or {})

    def is_complete(self, span: Period) -> bool:
        """Whether every account was read for every day of the stretch, to its end."""
        return bool(self.accounts) and not any(self.missing(span).values())

    def missing(self, span: Period) -> dict[str, list[date]]:
        """Days of the stretch that are not read to their end and still may be, by account."""
        return {
            account: [
                day
                for day in span.days
                if not self._is_after(account, day) and not is_read(self.held.get((account, day)), span)
            ]
            for account in self.accounts
        }

    def state(self, day: date, today: date) -> str:
        """How a chart marks a day: still running, may change, or settled."""
        if day >= today:
            return "partial"
        for account in self.accounts:
            row = self.held.get((account, day))
            if row is None and self._is_after(account, day):
                continue
            if row is None or row.state != State.SETTLED:
                return "unsettled"
        return ""

    def _is_after(self, account: str, day: date) -> bool:
        return account in self.ends and day >= self.ends[account]


def is_read(row: ReadDay | None, span: Period) -> bool:
    if row is None:
        return False
    if row.counted == Counted.BILL:
        return True
    return row.usage_read_at is not None and row.usage_read_at >= min(end_of(row.day), span.end)


def change(now: Decimal | int | None, before: Decimal | int | None) -> Decimal | None:
    """The ratio of growth; None when there is nothing to compare with."""
    if now is None or not before or before < 0:
        return None
    return Decimal(now) / Decimal(before) - 1
