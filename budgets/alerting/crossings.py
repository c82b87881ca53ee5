"""Thresholds that budgets reached become alerts: of each that has none yet, in the transaction that found it.

Budgets record a crossing once for its period; so its alert is one too, whoever looks and whoever was killed (B59).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from accounts.models import Organization
from budgets import words
from budgets.alerting import firing
from budgets.alerting.finding import Finding
from budgets.alerting.models import Alert, AlertNews, State, What
from budgets.kept import BudgetCrossing, Kind
from budgets.models import Budget
from tokentra.lib import money
from usage.names import Names

LATELY = timedelta(days=30)  # what was noticed before had its alert, which may be forgotten by now
MOST_LATE = 3  # of a budget, each told by itself
MORE = " The same was found of {count} more of its periods that are over; they stand in the list of alerts."
REVISED = "Bills were revised: it is {spent} now, below {amount}."


def tell(organization: Organization, *, now: datetime) -> list[Alert]:
    """The alerts that are new, inside the organization's scope."""
    crossed = BudgetCrossing.objects.owned_by(organization)
    if not crossed.exists():
        return []
    untold = crossed.filter(at__gt=now - LATELY, alerts=None).select_related("budget")
    new = firing.fire(organization, findings(organization, untold.order_by("at", "threshold")), now=now)
    for alert in Alert.objects.owned_by(organization).standing().filter(crossing__receded_at__isnull=False):
        crossing = BudgetCrossing.objects.owned_by(organization).select_related("budget").get(alerts=alert)
        unit = crossing.budget.unit
        spent, amount = words.amount(crossing.latest_spent, unit), words.amount(crossing.amount, unit)
        firing.revise(alert, REVISED.format(spent=spent, amount=amount), now=now)
    reopen(organization, now=now)
    return new


def reopen(organization: Organization, *, now: datetime) -> None:
    """Those that a revised bill had ended and that are passed again. People were told once; pagers follow."""
    last = AlertNews.objects.filter(organization=organization, alert=OuterRef("pk")).order_by("-at", "-pk")
    ended = Alert.objects.owned_by(organization).filter(
        state=State.RESOLVED, resolved_at__gt=now - LATELY, crossing__isnull=False, crossing__receded_at=None
    )
    for alert in ended.annotate(last=Subquery(last.values("what")[:1])).filter(last=What.REVISED):
        mine = Alert.objects.owned_by(organization).filter(pk=alert.pk, state=State.RESOLVED)
        if mine.update(state=State.OPEN, resolved_at=None):
            firing.say(alert, What.REOPENED, "It is passed again.", now=now)


def findings(organization: Organization, untold: Iterable[BudgetCrossing]) -> Iterator[Finding]:
    """Of several thresholds of one period that were passed at once, the highest is told of."""
    crossings, names = list(untold), Names(organization)
    zone = ZoneInfo(organization.timezone)
    highest: dict[tuple[object, ...], BudgetCrossing] = {}
    for each in crossings:
        if place(each) not in highest or each.threshold > highest[place(each)].threshold:
            highest[place(each)] = each
    loud = {each.pk: 0 for each in highest.values()} | bundled(highest.values())
    for each in crossings:
        more = loud.get(each.pk)
        yield finding(each, names, zone, is_quiet=more is None, more=more or 0)


def bundled(highest: Iterable[BudgetCrossing]) -> dict[UUID, int | None]:
    """Of many periods of a budget that a bill changed after they had ended, the newest is told of with the number of
    the others: None is told of nobody. An account's first reading would write a letter for each day of a quarter else.
    """
    late: dict[UUID, list[BudgetCrossing]] = {}
    for each in highest:
        if each.is_late:
            late.setdefault(each.budget_id, []).append(each)
    found: dict[UUID, int | None] = {}
    for those in late.values():
        if len(those) > MOST_LATE:
            newest = max(those, key=lambda each: (each.first_day, each.threshold, each.spent / each.limit))
            found |= {each.pk: len(those) - 1 if each is newest else None for each in those}
    return found


def place(crossing: BudgetCrossing) -> tuple[object, ...]:
    return crossing.budget_id, crossing.value, crossing.first_day, crossing.kind


def finding(crossing: BudgetCrossing, names: Names, zone: ZoneInfo, *, is_quiet: bool, more: int) -> Finding:
    budget = crossing.budget
    kind, severity = kind_of(crossing)
    return Finding(
        kind=kind,
        key=f"budget:{budget.pk}:{crossing.value}:{crossing.kind}:{crossing.threshold}:{crossing.amount.normalize():f}",
        period=f"{crossing.first_day}",
        severity=severity,
        title=title(crossing, names),
        text=text(crossing, names, zone) + (MORE.format(count=more) if more else ""),
        numbers=numbers(crossing),
        path=reverse("budgets:budget", args=[budget.pk]),
        crossing_id=crossing.pk,
        is_quiet=is_quiet,
        is_revised=crossing.is_late,
    )


def kind_of(crossing: BudgetCrossing) -> tuple[str, str]:
    """Which kind of alert, and how severe: a limit that is used up is worse than the way there."""
    if crossing.kind == Kind.FORECAST:
        return "forecast", "warning"
    if crossing.threshold < 100:
        return "threshold", "info" if crossing.threshold < 80 else "warning"
    is_of_customer = crossing.budget.each == "customer" or "customer" in crossing.budget.scope
    return "customer_budget" if is_of_customer else "threshold", "critical"


def title(crossing: BudgetCrossing, names: Names) -> str:
    revised = "Revised: " if crossing.is_late else ""
    return f"{revised}{named(crossing.budget, crossing.value, names)} {reached(crossing)}"


def named(budget: Budget, value: str, names: Names) -> str:
    return f"{budget.name}, {names.shown(budget.each, value)}" if value else budget.name


def reached(crossing: BudgetCrossing) -> str:
    if crossing.kind == Kind.FORECAST:
        return f"is heading for {share(crossing.spent, crossing.limit)} of its budget"
    if crossing.threshold == 100:
        return "has used up its budget"
    return f"has used {crossing.threshold}% of its budget"


def text(crossing: BudgetCrossing, names: Names, zone: ZoneInfo) -> str:
    """What happened with its numbers, whose it is, and until when."""
    unit = crossing.budget.unit
    spent, limit = words.amount(crossing.spent, unit), words.amount(crossing.limit, unit)
    whose = words.whose(crossing.budget, names)
    ends = crossing.ends_at.astimezone(zone)
    until = f"{ends:%-d %B %Y, %H:%M} ({zone.key.replace('_', ' ')})"
    if crossing.is_late:
        return (
            f"{spent} of {limit} in the period that ended on {until}. It was noticed after the period had ended: "
            f"a bill was revised, or calls arrived late. It is of: {whose}."
        )
    if crossing.kind == Kind.FORECAST:
        return f"Going on like this it will be {spent} of {limit} when the period ends on {until}. It is of: {whose}."
    used = share(crossing.spent, crossing.limit)
    return f"{spent} of {limit} are used, {used}. The budget begins anew on {until}. It is of: {whose}."


def numbers(crossing: BudgetCrossing) -> list[tuple[str, str]]:
    unit = crossing.budget.unit
    spent = "Forecast" if crossing.kind == Kind.FORECAST else "Spent" if unit == "usd" else "Used"
    return [
        (spent, words.amount(crossing.spent, unit)),
        ("Budget", words.amount(crossing.limit, unit)),
        ("Share", share(crossing.spent, crossing.limit)),
        ("Threshold", f"{crossing.threshold}%"),
    ]


def share(spent: Decimal, limit: Decimal) -> str:
    return money.percent(spent / limit) if limit else money.DASH
