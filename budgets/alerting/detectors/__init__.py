"""What looks for each kind of thing: a function of what is known and of the rule, which answers findings."""

from collections.abc import Callable, Iterable, Mapping

from budgets.alerting.detectors import custom, gaps, novelty, spend
from budgets.alerting.detectors.look import Look
from budgets.alerting.finding import Finding
from budgets.alerting.models import AlertRule

DETECTORS: Mapping[str, Callable[[Look, AlertRule], Iterable[Finding]]] = {
    "anomaly": spend.anomalies,
    "jump": spend.jumps,
    "new": novelty.novelties,
    "unpriced": gaps.unpriced,
    "sync_broken": gaps.broken,
    "no_data": gaps.silent,
    "custom": custom.beyond,
}
