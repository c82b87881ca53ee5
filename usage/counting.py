"""Which ledger counts for an account and a UTC day (decisions.md 5). Pure rules."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

BELIEVED_AFTER = timedelta(hours=24)  # a bill read so long after its day is believed
SETTLED_AFTER = timedelta(days=3)  # a bill read so long after its day is expected to stay

DATED = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})$")


class Counted(StrEnum):
    BILL = "bill"
    USAGE = "usage"


class State(StrEnum):
    OPEN = "open"  # no bill counts yet
    PROVISIONAL = "provisional"  # the bill counts and may still be revised
    SETTLED = "settled"


@dataclass(frozen=True)
class Decision:
    counted: Counted
    state: State


OPEN = Decision(Counted.USAGE, State.OPEN)


def end_of(day: date) -> datetime:
    """The instant at which a UTC day ends."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)


def decide(day: date, *, bill_read_at: datetime | None) -> Decision:
    """What counts for a day whose bill was last read completely at `bill_read_at` (None: never)."""
    if bill_read_at is None or bill_read_at < end_of(day) + BELIEVED_AFTER:
        return OPEN
    if bill_read_at < end_of(day) + SETTLED_AFTER:
        return Decision(Counted.BILL, State.PROVISIONAL)
    return Decision(Counted.BILL, State.SETTLED)


def is_revision(day: date, *, read_before_at: datetime) -> bool:
    """Whether a change now is a revision: the day was over when it was read before."""
    return read_before_at >= end_of(day)


def with_counterpart(billed: Iterable[str], used: Iterable[str]) -> set[str]:
    """The models on a day's bill that the same day's usage names too.

    A bill names a model as the usage does, or one of the two leaves out the date of the snapshot; it
    names a fine-tune `ft:base:organization::id` as `ft-base`.
    """
    names = {_as_billed(model) for model in used}
    undated = {DATED.sub("", name) for name in names}
    return {line for line in billed if line in names or line in undated or DATED.sub("", line) in names}


def _as_billed(model: str) -> str:
    return f"ft-{model.split(':')[1]}" if model.startswith("ft:") else model
