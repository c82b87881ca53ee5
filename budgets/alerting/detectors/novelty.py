"""Models and keys that cost money for the first time."""

from collections.abc import Iterator
from datetime import timedelta

from budgets import scopes
from budgets.alerting.detectors import spend
from budgets.alerting.detectors.look import ZERO, Look, ledger_of
from budgets.alerting.finding import Finding
from budgets.alerting.models import AlertRule
from tokentra.lib import money

BOTH = ("model", "api_key")
FEWEST_DAYS = timedelta(days=7)  # of history before its first day: until then everything is new
LONGEST_PAUSE = timedelta(days=28)  # of a job that runs once a month, where history reaches further back than we look
RECENT = timedelta(days=3)  # before the rule was made


def novelties(look: Look, rule: AlertRule) -> Iterator[Finding]:
    """Each value once for good: its period is its first day."""
    for dimension in (rule.dimension,) if rule.dimension else BOTH:
        last = look.last_of(ledger_of(dimension))
        by = look.by(dimension)
        known = [min(days) for days in by.values() if days]
        if last is None or not known:
            continue
        first = min(known)
        goes_on_before = first < look.period(last).first_day + FEWEST_DAYS
        needed = LONGEST_PAUSE if goes_on_before else FEWEST_DAYS
        oldest = max(first + needed, rule.created_at.date() - RECENT)
        for value, days in sorted(by.items()):
            used = [day for day, cost in days.items() if cost > 0]
            spent = sum(days.values(), ZERO)
            if value and used and min(used) >= oldest and spent >= rule.minimum:
                name = look.names.shown(dimension, value)
                label = scopes.label(dimension)
                yield Finding(
                    kind=rule.kind,
                    key=f"new:{dimension}:{value}"[:400],
                    period="once",
                    severity=rule.severity,
                    title=f"New {label[0].lower() if label[1:2].islower() else label[0]}{label[1:]}: {name}",
                    text=f"{name} was first used on {min(used):%-d %B} and has cost {money.dollars(spent)} since. "
                    f"In the {(min(used) - first).days} days before, nothing of yours used it.",
                    numbers=(("Spent since", money.dollars(spent)), ("First day", f"{min(used):%-d %B %Y}")),
                    path=spend.page(min(used), dimension, value),
                    rule_id=rule.pk,
                )
