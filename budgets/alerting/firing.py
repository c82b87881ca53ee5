"""Findings become alerts: each once, and over when it was calm for long enough.

Everything here runs inside the organization's scope. Two workers that look at the same moment write the same row,
and only the one whose row it is has something to tell.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Organization
from budgets.alerting import kinds, telling
from budgets.alerting.finding import LONGEST_TITLE, STANDING, Finding
from budgets.alerting.models import Alert, AlertNews, AlertQuerySet, State, What
from tokentra.lib import chaos

REVISED = "A bill was revised, so that this is true no longer."


def fire(organization: Organization, findings: Iterable[Finding], *, now: datetime) -> list[Alert]:
    """Write down what was found; answers the alerts that are new, which have been put on their way too."""
    new = []
    for finding in findings:
        alert, is_new = kept(organization, finding, now=now)
        if is_new:
            say(alert, What.FIRED, now=now, is_quiet=finding.is_quiet)
            new.append(alert)
        else:
            still_so(alert, now=now)
    chaos.point("alerts.fired")
    return new


def kept(organization: Organization, finding: Finding, *, now: datetime) -> tuple[Alert, bool]:
    """The alert of a finding, and whether it is new. The unique key decides between two that come at once."""
    mine = Alert.objects.owned_by(organization).filter(key=finding.key)
    if finding.period == STANDING:
        standing = mine.standing().order_by("-fired_at").first()
        if standing:
            return standing, False
    period = finding.period or begun(mine, now)
    row = Alert(organization=organization, key=finding.key, period=period, fired_at=now, **told(finding, now))
    made = Alert.objects.bulk_create([row], ignore_conflicts=True)
    alert = mine.get(period=period)
    return alert, alert.pk == made[0].pk


def begun(mine: AlertQuerySet, now: datetime) -> str:
    """The period of what stands from now on. What a person resolved stays resolved for the day; what had ended by
    itself and is so again is something new."""
    last = mine.order_by("-fired_at").first()
    return f"{now:%Y-%m-%d %H:%M}" if last and last.calm_since else f"{now:%Y-%m-%d}"


def told(finding: Finding, now: datetime) -> dict[str, Any]:
    """Its columns. Names in it come from outside, so each is one line: in a letter a line of its own may be a link."""
    over = {"state": State.RESOLVED, "resolved_at": now} if finding.is_quiet else {}
    return {
        **over,
        "kind": finding.kind,
        "rule_id": finding.rule_id,
        "crossing_id": finding.crossing_id,
        "severity": finding.severity,
        "title": on_one_line(finding.title)[:LONGEST_TITLE],
        "text": on_one_line(finding.text),
        "numbers": [[on_one_line(part) for part in each] for each in finding.numbers],
        "path": finding.path,
        "seen_at": now,
        "is_revised": finding.is_revised,
    }


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def still_so(alert: Alert, *, now: datetime) -> None:
    """Found again: nothing is said. What is over stays over in its period."""
    mine = Alert.objects.filter(organization_id=alert.organization_id, pk=alert.pk).standing()
    mine.update(seen_at=now, calm_since=None)


def calm(organization: Organization, kind: str, found: Iterable[str], *, now: datetime) -> None:
    """Alerts of a kind that were not found this time: one that has been calm for long enough is over."""
    needed = kinds.BY_ID[kind].calm
    if needed is None:
        return
    for alert in Alert.objects.owned_by(organization).standing().filter(kind=kind).exclude(key__in=list(found)):
        over(alert, needed, now=now)


def over(alert: Alert, needed: timedelta, *, now: datetime) -> None:
    mine = Alert.objects.filter(organization_id=alert.organization_id, pk=alert.pk)
    if alert.calm_since is None:
        mine.update(calm_since=now)
    elif alert.calm_since + needed <= now:
        resolve(alert, What.RECOVERED, now=now)


def revise(alert: Alert, text: str = REVISED, *, now: datetime) -> None:
    """The figures behind it changed, so that it is over."""
    Alert.objects.filter(organization_id=alert.organization_id, pk=alert.pk).update(is_revised=True)
    resolve(alert, What.REVISED, text, now=now)


def resolve(alert: Alert, what: What, text: str = "", *, now: datetime, by: Any = None, is_quiet: bool = False) -> bool:
    """It is over; said once, by whoever was first."""
    mine = Alert.objects.filter(organization_id=alert.organization_id, pk=alert.pk).standing()
    if not mine.update(state=State.RESOLVED, resolved_at=now, snoozed_until=None):
        return False
    say(alert, what, text, now=now, by=by, is_quiet=is_quiet)
    return True


def say(
    alert: Alert, what: What, text: str = "", *, now: datetime, by: Any = None, is_quiet: bool = False
) -> AlertNews:
    """A line in the alert's story, and its deliveries unless it is quiet, in the transaction that made it true."""
    news = AlertNews.objects.create(
        organization_id=alert.organization_id, alert=alert, what=what, at=now, by=by, text=text[:500]
    )
    if not is_quiet:
        telling.spread(news, alert, now=now)
    return news
