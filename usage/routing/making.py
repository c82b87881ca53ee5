"""A rule is made, enabled, disabled and removed, inside the scope; each leaves a line in the audit log."""

from collections.abc import Mapping
from datetime import datetime

from accounts import audit
from accounts.models import Organization, User
from accounts.plans import Feature
from tokentra.lib.problems import Problem
from usage.routing.rule import RoutingRule
from usage.rules.routing import Call

MOST_RULES = 100


def make(
    organization: Organization, call: Call, use_model: str, *, basis: Mapping[str, str], by: User, now: datetime
) -> RoutingRule:
    """A new rule, which is off. Raises a Problem where there is one for these calls, or too many; and NotInPlan."""
    organization.require(Feature.RECOMMENDATIONS)
    organization.lock()
    mine = RoutingRule.objects.owned_by(organization)
    about = {"feature": call.feature, "provider": call.provider, "model": call.model}
    if mine.filter(**about).exists():
        raise Problem(409, "already_there", "There is a rule for these calls. Remove it to make another one.")
    if mine.count() >= MOST_RULES:
        raise Problem(422, "too_many_rules", f"An organization has up to {MOST_RULES} rules. Remove one first.")
    rule = RoutingRule.objects.create(
        organization=organization,
        **about,
        use_model=use_model,
        basis=dict(basis),
        created_by=by,
        created_at=now,
        changed_by=by,
        changed_at=now,
    )
    note("routing_rule_made", rule, by)
    return rule


def enable(rule: RoutingRule, *, by: User, now: datetime) -> bool:
    """Programs that follow rules read it from now on; False where it was on already."""
    rule.organization.require(Feature.RECOMMENDATIONS)
    return switched(rule, "routing_rule_enabled", by=by, now=now, on=True)


def disable(rule: RoutingRule, *, by: User, now: datetime) -> bool:
    return switched(rule, "routing_rule_disabled", by=by, now=now, on=False)


def switched(rule: RoutingRule, action: str, *, by: User, now: datetime, on: bool) -> bool:
    held = RoutingRule.objects.owned_by(rule.organization).filter(pk=rule.pk, enabled_at__isnull=on)
    is_new = held.update(enabled_at=now if on else None, changed_by=by, changed_at=now) > 0
    if is_new:
        note(action, rule, by)
    return is_new


def remove(rule: RoutingRule, *, by: User) -> None:
    note("routing_rule_removed", rule, by)
    rule.delete()


def note(action: str, rule: RoutingRule, by: User) -> None:
    told = {"feature": rule.feature, "provider": rule.provider, "model": rule.model, "use_model": rule.use_model}
    audit.note(action, rule.organization, by, about=rule, **told)
