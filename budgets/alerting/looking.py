"""Every organization is looked at every few minutes for something to tell of; what is due is a mark (C3).

A look is one transaction with the mark's row locked. One that is cut off is made again, and finds the same things,
which are told once.
"""

import logging
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Organization
from accounts.plans import Feature
from budgets.alerting import crossings, firing, given, states
from budgets.alerting.detectors import DETECTORS
from budgets.alerting.detectors.look import Look
from budgets.alerting.kinds import ADVANCED
from budgets.alerting.models import Alert, AlertRule, AlertWatch
from tokentra.lib import chaos
from tokentra.lib.tenancy import as_sweep, organization_scope

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=1)  # after failures
MOST_FAILURES = 10_000
NEW_IN_A_SECOND = 4
STEP = 10  # seconds: a task is a short step, the next ring goes on


def look_due() -> bool:
    """As many organizations as a step has time for; whether any is left."""
    until = monotonic() + STEP
    for organization_id in due():
        if monotonic() > until:
            return True
        try:
            look_at(organization_id, timezone.now())
        except Exception:  # one organization's trouble must not keep the others from being looked at
            log.exception("alerts of %s could not be looked for", organization_id)
            put_off(organization_id)
    return False


def due() -> list[UUID]:
    with as_sweep():
        return list(AlertWatch.objects.due().order_by("due_at").values_list("organization_id", flat=True))


def look_at(organization_id: UUID, now: datetime) -> bool:
    """False when another worker looks, or nothing is due."""
    with organization_scope(organization_id):
        mine = AlertWatch.objects.filter(organization_id=organization_id)
        watch = mine.due().select_for_update(of=("self",), skip_locked=True).first()
        if watch is None:
            return False
        organization = Organization.objects.get(pk=organization_id)
        failed = look(organization, now=now, since=watch.looked_at)
        watch.due_at, watch.looked_at = now + EVERY, now
        watch.failures = min(watch.failures + 1, MOST_FAILURES) if failed else 0
        watch.save(update_fields=["due_at", "looked_at", "failures"])
        chaos.point("alerts.before_commit")
    chaos.point("alerts.after_commit")
    return True


def look(organization: Organization, *, now: datetime, since: datetime | None = None) -> bool:
    """Everything that the organization watches for, inside its scope; whether a rule could not be looked at.

    One that fails keeps its alerts as they are, and holds up no other. `since` is when it was last looked.
    """
    crossings.tell(organization, now=now)
    stands = Alert.objects.owned_by(organization).standing().exists()  # of most none does, most often
    if stands:
        states.wake(organization, now=now)
        states.let_go(organization, now=now)
    given.ensure(organization, now=now)
    seen = Look(organization, now, since)
    failed = False
    found: dict[str, list[str]] = {kind: [] for kind in DETECTORS}
    kinds = {*DETECTORS} if organization.can(Feature.ADVANCED_ALERTS) else {*DETECTORS} - ADVANCED
    for rule in AlertRule.objects.owned_by(organization).on().filter(kind__in=kinds).order_by("created_at"):
        try:
            with transaction.atomic():
                findings = list(DETECTORS[rule.kind](seen, rule))
                firing.fire(organization, findings, now=now)
            found[rule.kind] += [finding.key for finding in findings]
        except Exception:
            log.exception("rule %s of %s could not be looked at", rule.pk, organization.pk)
            failed = True
            its = Alert.objects.owned_by(organization).standing().filter(rule_id=rule.pk)
            seen.unsure += its.values_list("key", flat=True)
    for kind, keys in found.items() if stands else ():  # what was fired in this look was found in it
        firing.calm(organization, kind, [*keys, *seen.unsure], now=now)
    return failed


def watch(organization: Organization, *, within: timedelta = timedelta(0)) -> None:
    """Look at it soon, inside its scope: something began that may be worth telling."""
    AlertWatch.objects.bulk_create(
        [AlertWatch(organization=organization, due_at=timezone.now() + within)],
        update_conflicts=True,
        unique_fields=["organization"],
        update_fields=["due_at"],
    )


def watch_all() -> int:
    """Every organization has its mark, those that are new too; answers how many were new.

    Of many, as after an upgrade, the first looks are spread over some minutes, so that pages stay as fast as they are.
    """
    with as_sweep():
        known = set(AlertWatch.objects.values_list("organization_id", flat=True))
    new = [pk for pk in Organization.objects.order_by("pk").values_list("pk", flat=True) if pk not in known]
    for place, organization_id in enumerate(new):
        with organization_scope(organization_id, up_to_date=False):
            if organization := Organization.objects.filter(pk=organization_id).first():
                watch(organization, within=timedelta(seconds=place // NEW_IN_A_SECOND) % EVERY)
    return len(new)


def put_off(organization_id: UUID) -> None:
    with organization_scope(organization_id, up_to_date=False):
        mine = AlertWatch.objects.filter(organization_id=organization_id)
        mine.update(failures=F("failures") + 1)
        failures = mine.values_list("failures", flat=True).first() or 1
        mine.update(due_at=Now() + min(EVERY * 2 ** min(failures, 8), LONGEST_PAUSE))
