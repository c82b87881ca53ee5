"""Days that cost far more than their weekday usually does: of everything, or of one value of a dimension."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from budgets import scopes
from budgets.alerting.detectors.look import DAY, MOST_VALUES, ZERO, Days, Look, ledger_of, series
from budgets.alerting.finding import Finding
from budgets.alerting.models import AlertRule
from budgets.rules import anomaly
from budgets.rules.anomaly import Sensitivity, Unusual
from budgets.scopes import COUNTED
from tokentra.lib import money

DRIVERS = 3
SHARE_TO_NAME = 5  # of what is more than usual, a driver has at least one part in so many


def anomalies(look: Look, rule: AlertRule) -> Iterable[Finding]:
    """At most one of each day that became known to its end since it was last looked."""
    for day in look.days(COUNTED, rule):
        found = unusual(look.total, day, rule)
        if found:
            yield finding(
                rule,
                found,
                key="anomaly:",
                title=f"Unusual spend on {found.day:%A, %-d %B}: {money.dollars(found.spent)}",
                more=f"{drivers(look, found)} {look.without}",
                path=page(found.day),
            )


def jumps(look: Look, rule: AlertRule) -> Iterator[Finding]:
    """The same for each value of the rule's dimension, or for the one that it names."""
    dimension = rule.dimension
    for day in look.days(ledger_of(dimension), rule):
        yield from jumps_on(day, look, rule)


def jumps_on(last: date, look: Look, rule: AlertRule) -> Iterator[Finding]:
    dimension = rule.dimension
    without = look.without if ledger_of(dimension) == COUNTED else ""
    by = look.by(dimension)
    dearest = sorted(by, key=lambda value: (-by[value].get(last, ZERO), value))[:MOST_VALUES]
    for value in dearest:
        if not value or rule.value not in ("", value):
            continue
        found = unusual(by[value], last, rule)
        if found:
            name = f"{scopes.label(dimension)} {look.names.shown(dimension, value)}"
            yield finding(
                rule,
                found,
                key=f"jump:{rule.pk}:{value}",
                title=f"{name} cost {money.dollars(found.spent)}, {times(found)} its usual",
                more=f"It is about: {name}. {without}",
                path=page(last, dimension, value),
            )


def unusual(days: Days, last: date, rule: AlertRule) -> Unusual | None:
    return anomaly.look(series(days, last), last, minimum=rule.minimum, sensitivity=Sensitivity(rule.sensitivity))


def finding(rule: AlertRule, found: Unusual, *, key: str, title: str, more: str, path: str) -> Finding:
    return Finding(
        kind=rule.kind,
        key=key,
        period=f"{found.day}",
        severity=rule.severity,
        title=title,
        text=f"{found.sentence} {more}".strip(),
        numbers=(
            ("Spent", money.dollars(found.spent)),
            ("Usual", money.dollars(found.expected)),
            ("Seldom more than", money.dollars(found.seldom_beyond)),
        ),
        path=path,
        rule_id=rule.pk,
    )


def times(found: Unusual) -> str:
    return f"{found.times:.1f} times" if found.times else "far above"


def drivers(look: Look, found: Unusual) -> str:
    """Which models cost more than on their usual day of this kind, where some explain most of it."""
    rise = found.spent - found.expected
    more = {
        value: days.get(found.day, ZERO) - usual(days, found.day) for value, days in look.by("model").items() if value
    }
    named = sorted((value for value in more if more[value] * SHARE_TO_NAME >= rise), key=lambda value: -more[value])
    if not named:
        return ""
    said = [f"{look.names.shown('model', value)} ({money.dollars(more[value])} more)" for value in named[:DRIVERS]]
    return f"Most of it: {', '.join(said)}."


def usual(days: Days, day: date) -> Decimal:
    """The middle of the same weekday of the last four weeks."""
    same = sorted(days.get(day - DAY * 7 * week, ZERO) for week in range(1, 5))
    return (same[1] + same[2]) / 2


def page(day: date, dimension: str = "", value: str = "") -> str:
    """The rows behind it."""
    query = {"from": day, "to": day, "group": dimension or "model"} | ({dimension: value} if value else {})
    is_measured = dimension and ledger_of(dimension) != COUNTED
    return f"{reverse('usage:explorer_of_measured' if is_measured else 'usage:explorer')}?{urlencode(query)}"
