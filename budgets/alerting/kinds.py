"""What can be watched for, on one screen. Pure.

Thresholds and forecasts of budgets are not here to be switched: a budget says itself at what it wants to be heard.
"""

from dataclasses import dataclass
from datetime import timedelta

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """`fields` are the columns of a rule that it reads. What is found no longer for as long as `calm` is over."""

    id: str
    label: str
    what: str
    icon: str
    fields: tuple[str, ...] = ()
    is_given: bool = False  # every organization has one from the beginning
    calm: timedelta | None = None  # None: it happened once and is not over by itself
    severity: str = "warning"


KINDS = (
    Kind(
        "threshold", "Budget threshold", "A budget reached one of its thresholds.", "wallet",
    ),
    Kind(
        "forecast", "Budget forecast", "A budget is heading for more than it allows.", "chart-line",
    ),
    Kind(
        "customer_budget", "Customer over budget", "A customer used up the budget that was set for them.",
        "user-dollar", severity="critical",
    ),
    Kind(
        "anomaly", "Unusual day", "A day cost far more than its weekday usually does.", "activity",
        fields=("sensitivity", "minimum"), is_given=True,
    ),
    Kind(
        "jump", "Spend jump", "One key, customer, model or other value cost far more than it usually does.",
        "trending-up", fields=("dimension", "value", "sensitivity", "minimum"),
    ),
    Kind(
        "new", "Something new", "A model or key that was never used before costs money.", "sparkles",
        fields=("dimension", "minimum"), is_given=True, severity="info",
    ),
    Kind(
        "unpriced", "Unpriced usage", "Tokens or units of a model that have no price, so that totals are too low.",
        "help-circle", is_given=True, calm=HOUR,
    ),
    Kind(
        "sync_broken", "Connection broken", "A provider cannot be read, so that its figures stand still.",
        "plug-connected", is_given=True, calm=timedelta(minutes=30),
    ),
    Kind(
        "no_data", "No data", "Your code has stopped reporting calls.", "antenna-bars-off", fields=("window",),
        calm=HOUR,
    ),
    Kind(
        "custom", "Your own rule", "A figure is above or below a bound that you set.", "adjustments",
        fields=("metric", "dimension", "value", "window", "comparator", "bound"), calm=HOUR,
    ),
)  # fmt: skip
BY_ID = {kind.id: kind for kind in KINDS}
ADVANCED = frozenset({"anomaly", "jump"})  # what a plan may leave out
GIVEN = tuple(kind for kind in KINDS if kind.is_given)
OFFERED = tuple(kind for kind in KINDS if kind.fields)  # of the others one rule says all, or a budget does
