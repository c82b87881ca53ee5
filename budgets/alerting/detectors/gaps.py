"""Where figures are missing: tokens without a price, connections that cannot be read, code that went silent."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from django.urls import reverse

from budgets.alerting.detectors.look import DAY, Look
from budgets.alerting.finding import Finding
from budgets.alerting.models import Alert, AlertRule
from tokentra.lib import money
from tokentra.lib.periods import Period
from usage import stats, troubles, without_price
from usage.counting import end_of
from usage.figures import Question
from usage.measured import MeasuredDay

WEEK = 7 * DAY
SILENT = "silent:"


def unpriced(look: Look, rule: AlertRule) -> Iterator[Finding]:
    """Each model of the last seven days; over when a rate was entered and the past was priced."""
    today = look.now.astimezone(UTC).date()
    period = Period(datetime.combine(today - WEEK, time.min, UTC), end_of(today))
    groups = [*stats.groups(look.organization, Question(period, group_by=("provider", "model")))]
    for units in without_price.units_of(look.organization, groups, look.now):
        yield units_without_price(look, rule, units)
    for figures in groups:
        if not figures.unpriced_tokens:
            continue
        provider, model = figures.keys["provider"], figures.keys["model"]
        tokens = money.tokens(figures.unpriced_tokens)
        yield Finding(
            kind=rule.kind,
            key=f"unpriced:{provider}:{model}"[:400],
            severity=rule.severity,
            title=f"{tokens} tokens of {model or 'an unnamed model'} have no price",
            text=f"The price book knows no rate for {model or 'this model'} of "
            f"{look.names.shown('provider', provider)}, so {tokens} tokens of the last seven days cost nothing in any "
            "total. Totals are too low until it has one.",
            numbers=(("Unpriced tokens, 7 days", tokens),),
            path=reverse("usage:explorer") + "?group=model&sort=-tokens",
            rule_id=rule.pk,
        )


def units_without_price(look: Look, rule: AlertRule, units: without_price.UnitsOf) -> Finding:
    model, names = units.model or "an unnamed model", without_price.in_words(units.units)
    calls = f"{money.exact(units.calls)} {'call' if units.calls == 1 else 'calls'}"
    return Finding(
        kind=rule.kind,
        key=f"units:{units.provider}:{units.model}"[:400],
        severity=rule.severity,
        title=f"Units of {model} have no price: {names}",
        text=f"{calls} of {model} of {look.names.shown('provider', units.provider)} used {names} without a price "
        "in the last seven days. Every total leaves such units out and is too low until they have a price of your own.",
        numbers=(("Calls with unpriced units, 7 days", money.exact(units.calls)),),
        path=reverse("usage:explorer") + "?group=model&sort=-cost",
        rule_id=rule.pk,
    )


def broken(look: Look, rule: AlertRule) -> Iterator[Finding]:
    """What other apps know to be broken."""
    for trouble in troubles.of(look.organization, now=look.now):
        yield Finding(
            kind=rule.kind,
            key=f"trouble:{trouble.key}"[:400],
            severity="critical" if trouble.needs_a_person else rule.severity,
            title=trouble.title,
            text=trouble.text,
            path=trouble.path,
            rule_id=rule.pk,
        )


def silent(look: Look, rule: AlertRule) -> Iterator[Finding]:
    """Code that reported calls on most of the last days, and none for so many hours."""
    if look.measured is None:
        return
    quiet_for = look.now - look.measured.until
    if quiet_for < timedelta(hours=rule.window):
        return
    last = look.measured.until.astimezone(UTC).date()
    days = MeasuredDay.objects.owned_by(look.organization).of("all").filter(day__gt=last - WEEK, day__lte=last)
    stands = Alert.objects.owned_by(look.organization).standing().filter(key=SILENT).exists()
    if not stands and (days.values("day").distinct().count() < 4 or quiet_for > 2 * WEEK):
        return  # it never was regular, or has been given up long ago
    hours = int(quiet_for.total_seconds() // 3600)
    yield Finding(
        kind=rule.kind,
        key=SILENT,
        severity=rule.severity,
        title=f"No calls reported for {hours} hours",
        text=f"The last call of your code was reported at {look.measured.until:%H:%M UTC on %-d %B}. It reported calls "
        "on most days of the week before. Either nothing calls a model, or calls are no longer reported.",
        numbers=(("Last call", f"{look.measured.until:%-d %B, %H:%M} UTC"),),
        path=reverse("sdk_keys:troubleshooting"),
        rule_id=rule.pk,
    )
