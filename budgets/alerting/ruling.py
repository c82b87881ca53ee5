"""A rule is made, changed, switched and removed, inside the scope; each leaves a line in the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import Organization, User
from accounts.plans import Feature
from budgets import scopes
from budgets.alerting import firing, looking, metrics
from budgets.alerting.kinds import ADVANCED, BY_ID, Kind
from budgets.alerting.models import Alert, AlertRule, What
from tokentra.lib import money
from tokentra.lib.problems import Problem

MOST = 100
ALWAYS = ("name", "severity")


def make(organization: Organization, kind: Kind, told: Mapping[str, Any], *, by: User, now: datetime) -> AlertRule:
    """A new rule, which is on. Raises a Problem where there are too many, and NotInPlan."""
    refuse_beyond_plan(organization, kind.id)
    organization.lock()
    if AlertRule.objects.owned_by(organization).count() >= MOST:
        raise Problem(422, "too_many_rules", f"An organization has up to {MOST} rules. Remove one first.")
    rule = AlertRule.objects.create(
        organization=organization, kind=kind.id, created_by=by, created_at=now, changed_at=now, **columns(kind, told)
    )
    audit.note("alert_rule_made", organization, by, about=rule, kind=kind.id, name=rule.name)
    journal.record(Event.ALERT_CREATED, by, organization, kind=kind.id)
    looking.watch(organization)
    return rule


def change(rule: AlertRule, told: Mapping[str, Any], *, by: User, now: datetime) -> None:
    refuse_beyond_plan(rule.organization, rule.kind)
    changed = columns(BY_ID[rule.kind], told)
    for name, value in changed.items():
        setattr(rule, name, value)
    rule.changed_at = now
    rule.save(update_fields=[*changed, "changed_at"])
    audit.note("alert_rule_changed", rule.organization, by, about=rule, name=rule.name)
    looking.watch(rule.organization)


def switch(rule: AlertRule, *, by: User, now: datetime) -> bool:
    """On where it was off, off where it was on; answers which it is now. Switching one on is configuring an alert.

    Raises a Problem where somebody switched it since it was read, and NotInPlan.
    """
    if not rule.is_on:
        refuse_beyond_plan(rule.organization, rule.kind)
    held = AlertRule.objects.owned_by(rule.organization).filter(pk=rule.pk, switched_off_at=rule.switched_off_at)
    if not held.update(switched_off_at=now if rule.is_on else None, changed_at=now):
        raise Problem(409, "changed_meanwhile", "Somebody switched or removed this rule meanwhile. Look at it again.")
    is_on = not rule.is_on
    action = "alert_rule_switched_on" if is_on else "alert_rule_switched_off"
    audit.note(action, rule.organization, by, about=rule, name=rule.name)
    if is_on:
        journal.record(Event.ALERT_CREATED, by, rule.organization, kind=rule.kind)
        looking.watch(rule.organization)
    else:
        let_go(rule, "Its rule was switched off.", by=by, now=now)
    return is_on


def refuse_beyond_plan(organization: Organization, kind: str) -> None:
    if kind in ADVANCED:
        organization.require(Feature.ADVANCED_ALERTS)


def remove(rule: AlertRule, *, by: User, now: datetime) -> None:
    let_go(rule, "Its rule was removed.", by=by, now=now)
    audit.note("alert_rule_removed", rule.organization, by, about=rule, name=rule.name)
    rule.delete()


def let_go(rule: AlertRule, why: str, *, by: User, now: datetime) -> None:
    """Nobody looks any more whether they are so: what stands is resolved, and not said to be over by itself."""
    if BY_ID[rule.kind].calm is None:
        return
    mine = Alert.objects.owned_by(rule.organization).standing().filter(rule_id=rule.pk)
    mine.update(calm_since=now)  # so that a rule that is switched on again tells anew
    for alert in mine:
        firing.resolve(alert, What.RESOLVED, why, now=now, by=by)


def columns(kind: Kind, told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in (*ALWAYS, *kind.fields) if name in told}


def values(rule: AlertRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in (*ALWAYS, *BY_ID[rule.kind].fields)}


def in_words(rule: AlertRule) -> str:
    """What a rule watches for, as one sentence of the list."""
    least = money.dollars(rule.minimum)
    of = f"{scopes.label(rule.dimension).lower()} {rule.value}".strip() if rule.dimension else ""
    match rule.kind:
        case "anomaly":
            return f"A day that costs at least {least} more than usual, sensitivity {rule.sensitivity}."
        case "jump":
            whose = of if rule.value else f"any {of}"
            return f"A day on which {whose} costs at least {least} more than usual, sensitivity {rule.sensitivity}."
        case "new":
            return f"A new {of or 'model or API key'} that has cost {least} or more."
        case "no_data":
            return f"No call reported for {rule.window} hours, though there were calls on most days before."
        case "custom":
            metric = metrics.BY_ID[rule.metric]
            days = "day" if rule.window == 1 else f"{rule.window} days"
            bound = metric.shown(rule.bound) if rule.bound is not None else ""
            return f"{metric.label}{f' of {of}' if of else ''} over the last {days} {rule.comparator} {bound}."
    return BY_ID[rule.kind].what
