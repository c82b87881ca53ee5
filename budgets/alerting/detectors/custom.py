"""An organization's own rules: a figure over some days that is above or below a bound, with room to waver."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.db.models import Sum

from budgets import scopes
from budgets.alerting import metrics
from budgets.alerting.detectors import spend
from budgets.alerting.detectors.look import DAY, Look, ledger_of
from budgets.alerting.finding import Finding
from budgets.alerting.models import Alert, AlertRule
from budgets.scopes import COUNTED
from tokentra.lib.periods import Period
from usage import stats
from usage.counting import end_of
from usage.figures import Question
from usage.measured import MeasuredDay


def beyond(look: Look, rule: AlertRule) -> Iterator[Finding]:
    """Over the last days that are over, as many as the rule's window. Once told, it has to go back past a tenth."""
    metric = metrics.BY_ID[rule.metric]
    ledger = (
        COUNTED if metric.is_counted and (not rule.dimension or ledger_of(rule.dimension) == COUNTED) else "measured"
    )
    last = look.last_of(ledger)
    key = f"custom:{rule.pk}"
    is_partly = ledger == COUNTED and bool(look.left_out)
    if last is None or rule.bound is None or (is_partly and rule.comparator != metrics.ABOVE):
        look.unsure.append(key)
        return
    value = counted(look, rule, last) if ledger == COUNTED else measured(look, rule, last)
    stands = Alert.objects.owned_by(look.organization).standing().filter(key=key).exists()
    if value is None or not metrics.is_beyond(value, rule.comparator, rule.bound, stands=stands):
        return
    about = (
        f" of {scopes.label(rule.dimension).lower()} {look.names.shown(rule.dimension, rule.value)}"
        if rule.value
        else ""
    )
    days = "the last day" if rule.window == 1 else f"the last {rule.window} days"
    word = "above" if rule.comparator == metrics.ABOVE else "below"
    yield Finding(
        kind=rule.kind,
        key=key,
        severity=rule.severity,
        title=f"{rule.name}: {metric.shown(value)}, {word} {metric.shown(rule.bound)}",
        text=f"{metric.label}{about} over {days} up to {last:%-d %B} came to {metric.shown(value)}, {word} the bound "
        f"of {metric.shown(rule.bound)}. It is over once it is back past the bound by a tenth. "
        f"{look.without if is_partly else ''}".rstrip(),
        numbers=((metric.label, metric.shown(value)), ("Bound", metric.shown(rule.bound))),
        path=spend.page(last, rule.dimension, rule.value),
        rule_id=rule.pk,
    )


def counted(look: Look, rule: AlertRule, last: date) -> Decimal | None:
    period = Period(datetime.combine(last - DAY * (rule.window - 1), time.min, UTC), end_of(last))
    filters = {rule.dimension: (rule.value,)} if rule.dimension and rule.value else {}
    figures = stats.totals(look.organization, Question(period, filters=filters))
    return metrics.of_figures(figures, rule.metric)


def measured(look: Look, rule: AlertRule, last: date) -> Decimal | None:
    rows = (
        MeasuredDay.objects.owned_by(look.organization)
        .of(rule.dimension or "all")
        .filter(day__gt=last - DAY * rule.window, day__lte=last)
    )
    if rule.value:
        rows = rows.of_values([rule.value])
    sums = rows.aggregate(
        calls=Sum("calls"), errors=Sum("errors"), tokens_in=Sum("tokens_in"), tokens_out=Sum("tokens_out"),
        unpriced=Sum("unpriced_tokens"),
    )  # fmt: skip
    cost = rows.filter(currency="USD").aggregate(cost=Sum("amount"))["cost"]
    return metrics.of_sums({**sums, "cost": cost}, rule.metric)
