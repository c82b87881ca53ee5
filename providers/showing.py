"""A connection as pages show it: its words, its progress in stages, its endpoints."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Organization
from providers import finding, progress, windows, wording
from providers.connectors.base import Connector, Outcome
from providers.models import Connection, EndpointState, Status
from providers.progress import Progress
from providers.tidying import SAMPLES_ARE_KEPT
from providers.windows import Marks
from providers.wording import Said

ON_ITS_WAY = (Status.VALIDATING, Status.BACKFILLING)


@dataclass(frozen=True, slots=True)
class Stage:
    label: str
    state: str  # done now waiting failed skipped
    line: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint in the table of a connection's page."""

    label: str
    sign: str
    tone: str
    message: str
    last_success_at: datetime | None
    read: int
    wanted: int
    rows: int
    problem: str
    left_out: int
    sample: str
    sample_at: datetime | None

    @property
    def sample_until(self) -> datetime | None:
        return self.sample_at and self.sample_at + SAMPLES_ARE_KEPT


@dataclass(frozen=True, slots=True)
class Shown:
    connection: Connection
    connector: Connector
    said: Said
    progress: Progress
    stages: tuple[Stage, ...]
    endpoints: tuple[Row, ...]

    @property
    def is_on_its_way(self) -> bool:
        return self.connection.status in ON_ITS_WAY

    @property
    def is_gone(self) -> bool:
        return self.connection.status == Status.DISCONNECTED

    @property
    def has_a_problem(self) -> bool:
        return self.said.tone in {"warn", "bad"}

    @property
    def is_polling(self) -> bool:
        """Something is about to change by itself."""
        return self.is_on_its_way

    @property
    def days_text(self) -> str:
        return f"{self.progress.days_read} of {self.progress.days_wanted} days"

    @property
    def alert_title(self) -> str:
        return f"{self.connection.name}: {self.said.title}"

    @property
    def their_words(self) -> str:
        """What the provider said, when it said it in words."""
        detail = self.connection.detail
        return "" if detail.startswith(("{", "<", "[")) else detail


def everything(organization: Organization, *, now: datetime) -> list[Shown]:
    return [show(marks, now=now) for marks in finding.everything(organization)]


def one(connection: Connection, *, now: datetime) -> Shown:
    return show(finding.marks_of(connection), now=now)


def show(marks: Marks, *, now: datetime) -> Shown:
    reached = progress.of(marks, now=now)
    states = sorted(marks.states.values(), key=lambda state: (state.endpoint == windows.NAMES, state.position))
    return Shown(
        marks.connection,
        marks.connector,
        wording.said(marks, now=now),
        reached,
        stages(marks, reached),
        tuple(row(marks, state, now) for state in states),
    )


def stages(marks: Marks, reached: Progress) -> tuple[Stage, ...]:
    """What has happened and what comes, each with its count."""
    connection, is_stopped = marks.connection, reached.stage == "stopped"
    found = connection.projects_found
    place = "workspaces" if connection.provider == "anthropic" else "projects"
    older_state = "now" if reached.stage == "history" else "waiting"
    done = reached.stage == "complete"
    recent_done = reached.recent_read == reached.recent_wanted
    return (
        Stage(f"{marks.connector.label} accepted the key", "done"),
        Stage(f"Found {found} {place}", "done")
        if found is not None
        else Stage(f"The key may not list {place}", "skipped", "Figures are complete; names of some ids are missing."),
        Stage(
            f"Last {reached.recent_wanted} days",
            "done" if recent_done else "failed" if is_stopped else "now",
            f"{reached.recent_read} of {reached.recent_wanted} days complete",
        ),
        Stage(
            f"The {reached.older_wanted} days before",
            "done" if done else "failed" if is_stopped and recent_done else older_state,
            f"{reached.older_read} of {reached.older_wanted} days complete",
        ),
    )


def row(marks: Marks, state: EndpointState, now: datetime) -> Row:
    mine = [window for window in marks.windows if window.endpoint == state.endpoint]
    problems = [window.problem for window in mine if window.problem]
    is_kept = state.sample_at is not None and now - state.sample_at < SAMPLES_ARE_KEPT
    sign, tone = {
        "": ("Waiting", "neutral"),
        Outcome.OK: ("Works", "good"),
        Outcome.NOT_AVAILABLE: ("Not offered", "neutral"),
        Outcome.MISSING_SCOPE: ("No access", "warn"),
        Outcome.WRONG_KEY_KIND: ("No access", "warn"),
        Outcome.RATE_LIMITED: ("Slowed", "warn"),
    }.get(state.outcome, ("Failing", "bad"))
    return Row(
        state.label or state.endpoint,
        sign,
        tone,
        wording.endpoint(state, now),
        state.last_success_at,
        sum(1 for window in mine if window.read_at),
        len(mine),
        sum(window.rows for window in mine),
        problems[0] if problems else "",
        sum(window.left_out for window in mine),
        state.sample if is_kept else "",
        state.sample_at,
    )
