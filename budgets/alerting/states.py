"""What people do with alerts: acknowledge, snooze, resolve, open again. Each leaves a line in the alert's story."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts.models import Organization, User
from budgets.alerting import firing
from budgets.alerting.kinds import KINDS
from budgets.alerting.models import Alert, State, What

LASTS = timedelta(days=14)
ONCE = [kind.id for kind in KINDS if kind.calm is None]
LONG_AGO = Q(crossing=None, kind__in=ONCE) | Q(crossing__is_late=True)  # of a late one the period had ended before
SNOOZES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}


def acknowledge(organization: Organization, alerts: Iterable[Any], *, by: User, now: datetime) -> int:
    """Somebody has seen it and looks after it; answers how many were open or snoozed until now."""
    done = 0
    for alert in Alert.objects.owned_by(organization).filter(pk__in=list(alerts)):
        mine = Alert.objects.owned_by(organization).filter(pk=alert.pk, state__in=[State.OPEN, State.SNOOZED])
        if mine.update(state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now, snoozed_until=None):
            firing.say(alert, What.ACKNOWLEDGED, now=now, by=by)
            done += 1
    return done


def snooze(alert: Alert, length: timedelta, *, by: User, now: datetime) -> bool:
    """Nothing is said of it until then; where it is still so afterwards, it opens again."""
    mine = Alert.objects.filter(organization_id=alert.organization_id, pk=alert.pk).standing()
    until = now + length
    if not mine.update(state=State.SNOOZED, snoozed_until=until):
        return False
    firing.say(alert, What.SNOOZED, f"Until {until:%-d %B, %H:%M} UTC.", now=now, by=by)
    return True


def resolve(alert: Alert, *, by: User, now: datetime) -> bool:
    return firing.resolve(alert, What.RESOLVED, now=now, by=by)


def reopen(alert: Alert, *, by: User, now: datetime) -> bool:
    """Somebody resolved or acknowledged it too early."""
    mine = Alert.objects.filter(organization_id=alert.organization_id, pk=alert.pk).exclude(state=State.OPEN)
    if not mine.update(state=State.OPEN, resolved_at=None, snoozed_until=None, acknowledged_at=None):
        return False
    firing.say(alert, What.REOPENED, now=now, by=by)
    return True


def wake(organization: Organization, *, now: datetime) -> None:
    """Snoozes that have ended: what happened once cannot be found again, so it opens by the clock."""
    for alert in Alert.objects.owned_by(organization).filter(state=State.SNOOZED, snoozed_until__lte=now):
        mine = Alert.objects.owned_by(organization).filter(
            pk=alert.pk, state=State.SNOOZED, snoozed_until=alert.snoozed_until
        )
        if mine.update(state=State.OPEN, snoozed_until=None, fired_at=now):
            firing.say(alert, What.AGAIN, now=now)


def let_go(organization: Organization, *, now: datetime) -> None:
    """What happened once is over after two weeks, and a threshold when its period is; nobody is told of that."""
    standing = Alert.objects.owned_by(organization).standing()
    for alert in standing.filter(LONG_AGO, fired_at__lte=now - LASTS):
        firing.resolve(alert, What.RECOVERED, "Two weeks have passed.", now=now, is_quiet=True)
    for alert in standing.filter(crossing__ends_at__lte=now, crossing__is_late=False):
        firing.resolve(
            alert, What.RECOVERED, "The period has ended, and the budget began anew.", now=now, is_quiet=True
        )
