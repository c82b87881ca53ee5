"""What each plan includes, on one screen. Pure: no Django, the clock is an argument.

Ingest, the export of one's own data and the last seven days are not here: they are open to everybody.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto


class Plan(StrEnum):
    """Each includes those before it."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Feature(Enum):
    COST_BREAKDOWN = auto()
    EVERY_DIMENSION = auto()
    BUDGETS = auto()
    EVERY_PERIOD = auto()
    LONG_HISTORY = auto()
    PERSONAL_DASHBOARDS = auto()
    TEAM_DASHBOARDS = auto()
    RECOMMENDATIONS = auto()
    WRITTEN_SUGGESTIONS = auto()
    CSV = auto()
    SCHEDULED_PDF = auto()
    READ_API = auto()
    ADVANCED_ALERTS = auto()


class Switch(StrEnum):
    """What an operator rolls out for the whole installation, whatever the plans."""

    TOKEN_TRACKING = "token_tracking"  # noqa: S105  # a name
    TEAM_ANALYTICS = "team_analytics"
    COST_OPTIMIZATION = "cost_optimization"
    SCHEDULED_REPORTS = "scheduled_reports"


PRO, ENTERPRISE = Plan.PRO, Plan.ENTERPRISE


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: what stands under each plan, and the least plan that opens each feature of it."""

    label: str
    free: str
    pro: str
    enterprise: str
    opens: dict[Feature, Plan]
    switches: dict[Feature, Switch] = field(default_factory=dict)

    def words(self, plan: Plan) -> str:
        return str(getattr(self, plan.value))


LINES = (
    Line(
        "Cost preview", "count and cost", "with breakdown and alternatives", "with breakdown and alternatives",
        {Feature.COST_BREAKDOWN: PRO}, {Feature.COST_BREAKDOWN: Switch.TOKEN_TRACKING},
    ),
    Line(
        "Cost tracking", "totals by provider and model", "every dimension", "every dimension",
        {Feature.EVERY_DIMENSION: PRO}, {Feature.EVERY_DIMENSION: Switch.TOKEN_TRACKING},
    ),
    Line(
        "Budgets", "none", "monthly", "all periods",
        {Feature.BUDGETS: PRO, Feature.EVERY_PERIOD: ENTERPRISE},
    ),
    Line(
        "History on screen", "7 days", "90 days", "unlimited",
        {Feature.LONG_HISTORY: PRO},
    ),
    Line(
        "Dashboards", "basic", "personal", "team and personal",
        {Feature.PERSONAL_DASHBOARDS: PRO, Feature.TEAM_DASHBOARDS: ENTERPRISE},
        {Feature.TEAM_DASHBOARDS: Switch.TEAM_ANALYTICS},
    ),
    Line(
        "Optimization", "tips", "recommendations", "recommendations and written suggestions",
        {Feature.RECOMMENDATIONS: PRO, Feature.WRITTEN_SUGGESTIONS: ENTERPRISE},
        dict.fromkeys((Feature.RECOMMENDATIONS, Feature.WRITTEN_SUGGESTIONS), Switch.COST_OPTIMIZATION),
    ),
    Line(
        "Reporting", "none", "CSV", "CSV and scheduled PDF",
        {Feature.CSV: PRO, Feature.SCHEDULED_PDF: ENTERPRISE}, {Feature.SCHEDULED_PDF: Switch.SCHEDULED_REPORTS},
    ),
    Line(
        "Read API", "no", "no", "full",
        {Feature.READ_API: ENTERPRISE},
    ),
    Line(
        "Anomaly and forecast alerts", "no", "yes", "yes",
        {Feature.ADVANCED_ALERTS: PRO},
    ),
)  # fmt: skip
LINE_OF = {feature: line for line in LINES for feature in line.opens}
COMING = {  # what the table names and this version does not have
    Feature.COST_BREAKDOWN: "the cost preview",
    Feature.PERSONAL_DASHBOARDS: "personal dashboards",
    Feature.TEAM_DASHBOARDS: "team dashboards",
    Feature.WRITTEN_SUGGESTIONS: "written suggestions",
    Feature.SCHEDULED_PDF: "scheduled PDF reports",
}
HISTORY_DAYS: dict[Plan, int | None] = {Plan.FREE: 7, PRO: 90, ENTERPRISE: None}
ORDER = tuple(Plan)


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one organization on this installation: its plan at the moment, and what the operator set."""

    plan: Plan
    is_enforced: bool = False
    switched_off: frozenset[Switch] = frozenset()
    trial_ends_at: datetime | None = None  # while one runs

    def can(self, feature: Feature) -> bool:
        return not self.is_switched_off(feature) and (not self.is_enforced or self.plan_has(feature))

    def plan_has(self, feature: Feature) -> bool:
        return ORDER.index(self.plan) >= ORDER.index(least(feature))

    def is_switched_off(self, feature: Feature) -> bool:
        return LINE_OF[feature].switches.get(feature) in self.switched_off

    @property
    def history_days(self) -> int | None:
        """How many days back pages show; None for all of them."""
        return HISTORY_DAYS[self.plan] if self.is_enforced else None


def least(feature: Feature) -> Plan:
    """The smallest plan that includes it."""
    return LINE_OF[feature].opens[feature]


def in_force(plan: str, trial_ends_at: datetime | None, now: datetime) -> Plan:
    """The plan as it counts now: a trial of pro lifts those on the free one."""
    kept = Plan(plan)
    return Plan.PRO if kept is Plan.FREE and trial_ends_at and now < trial_ends_at else kept


def days_left(trial_ends_at: datetime, now: datetime) -> int:
    """Begun days, so that the last one says 1."""
    return max(0, -((now - trial_ends_at) // timedelta(days=1)))
