"""How far the reading of a connection has come, counted from its windows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from providers import plan, windows
from providers.models import Connection, Status
from providers.windows import Marks


@dataclass(frozen=True, slots=True)
class Progress:
    """Days are those that every endpoint the key may read has been read for."""

    stage: str  # recent, history, complete, stopped
    days_read: int
    days_wanted: int
    recent_read: int
    recent_wanted: int
    rows: int

    @property
    def older_read(self) -> int:
        return self.days_read - self.recent_read

    @property
    def older_wanted(self) -> int:
        return self.days_wanted - self.recent_wanted


def of(marks: Marks, *, now: datetime) -> Progress:
    today = now.date()
    wanted, missing = days(marks, today)
    recent = {day for day in wanted if day > today - timedelta(days=plan.ON_SCREEN_DAYS)}
    return Progress(
        stage=stage(marks.connection, missing, recent),
        days_read=len(wanted - missing),
        days_wanted=len(wanted),
        recent_read=len(recent - missing),
        recent_wanted=len(recent),
        rows=sum(window.rows for window in marks.windows),
    )


def days(marks: Marks, today: date) -> tuple[set[date], set[date]]:
    """The days that are wanted, and those of them that some endpoint has not given yet."""
    wanted, missing = set[date](), set[date]()
    readable = {
        endpoint.name for endpoint in marks.endpoints if windows.tries(marks.states.get(endpoint.name)).may_be_read
    }
    for window in marks.windows:
        if window.endpoint not in readable:
            continue
        state = marks.states.get(window.endpoint)
        part = windows.stretch(window).cut(earliest=state.earliest if state else None, today=today)
        covered = {part.start + timedelta(days=n) for n in range(part.days)}
        wanted |= covered
        if window.read_at is None:
            missing |= covered
    return wanted, missing


def stage(connection: Connection, missing: set[date], recent: set[date]) -> str:
    if not missing:
        return "complete"
    if connection.status in (Status.BROKEN, Status.PAUSED, Status.DISCONNECTED):
        return "stopped"
    return "recent" if missing & recent else "history"
