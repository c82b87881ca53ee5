"""Where each budget's period is heading: what was spent until yesterday, and what the days from today on will take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import Organization
from accounts.plans import Feature
from budgets import crossing, spending
from budgets.crossing import Known
from budgets.kept import Kind
from budgets.rules.forecast import LONGEST, forecast
from budgets.rules.periods import DAY, Every, Span, begins
from budgets.rules.thresholds import amount_at
from budgets.spending import Ask
from budgets.standing import Standing, scope_of, used

ZERO = Decimal(0)
MOST_POINTS = 31  # of a course that is drawn


@dataclass(frozen=True)
class Heading:
    """What the whole period will come to; in four of five cases within the band."""

    low: Decimal
    mid: Decimal
    high: Decimal
    days: int  # how many known days it rests on


def headings(organization: Organization, found: Sequence[Standing], now: datetime) -> dict[UUID, Heading]:
    """By budget, of those in the period that goes on; none for a day, nor for a budget for each value."""
    today = now.astimezone(ZoneInfo(organization.timezone)).date()
    made = {}
    for standing, by_day in foreseen(organization, found, now):
        if heading := heading_of(standing, by_day, today):
            made[standing.budget.pk] = heading
    return made


def course(organization: Organization, standing: Standing, now: datetime) -> dict[date, Heading]:
    """What it will have come to by the end of days from today on, the last of the period among them; each with its
    band. Empty where nothing is foreseen.
    """
    today = now.astimezone(ZoneInfo(organization.timezone)).date()
    for each, by_day in foreseen(organization, [standing], now):
        days = (standing.span.end_day - today).days
        step = max(1, days // MOST_POINTS)
        ends = [today + DAY * number for number in range(days, 0, -step)]
        found = {end - DAY: heading_of(each, by_day, today, until=end) for end in reversed(ends)}
        return {day: heading for day, heading in found.items() if heading}
    return {}


def foreseen(
    organization: Organization, found: Sequence[Standing], now: datetime
) -> Iterator[tuple[Standing, dict[date, Decimal]]]:
    """Those of which something is foreseen, each with what its days until yesterday took, its whole period at least."""
    zone = ZoneInfo(organization.timezone)
    today = now.astimezone(zone).date()
    longest = today - DAY * LONGEST
    mine = [each for each in found if each.span.holds(now) and not each.budget.each and each.budget.every != Every.DAY]
    firsts = [min(longest, each.span.first_day) for each in mine]
    asks = [
        Ask(each.budget.ledger, scope_of(each.budget), Span(first, today, begins(zone, first), begins(zone, today)))
        for each, first in zip(mine, firsts, strict=True)
    ]
    answers = spending.spent(organization.pk, asks, by_day=True, zone=organization.timezone)
    for standing, answer in zip(mine, answers, strict=True):
        yield standing, {day: used(standing.budget, figures) for (_, day), figures in answer.days.items()}


def heading_of(
    standing: Standing, by_day: dict[date, Decimal], today: date, *, until: date | None = None
) -> Heading | None:
    """What the period comes to before the day `until`, its end unless said. None where too little is known."""
    if not by_day:
        return None
    first, span = min(by_day), standing.span
    daily = [by_day.get(first + DAY * n, ZERO) for n in range((today - first).days)]
    ahead = forecast(daily, days_left=((until or span.end_day) - today).days, first_weekday=first.weekday())
    if ahead is None:
        return None
    before = sum((amount for day, amount in by_day.items() if day >= span.first_day), ZERO)
    low, mid, high = (max(before + part, standing.spent) for part in (ahead.low, ahead.mid, ahead.high))
    return Heading(low, mid, high, ahead.days)


def record(organization: Organization, known: Known, found: Sequence[Standing], *, now: datetime) -> bool:
    """Of budgets that ask for it: that the period is heading for the forecast threshold, once (B59); whether one
    began or ceased to."""
    asking = [each for each in found if each.budget.forecast_at and each.span.holds(now)]
    if not asking or not organization.can(Feature.ADVANCED_ALERTS):
        return False
    heading = headings(organization, asking, now)
    new, followed = [], []
    for standing in asking:
        threshold, ahead = standing.budget.forecast_at, heading.get(standing.budget.pk)
        if not threshold or ahead is None:
            continue
        is_reached = ahead.mid >= amount_at(threshold, standing.limit)
        if is_reached and crossing.is_new(known, standing, Kind.FORECAST, threshold):
            new.append(crossing.made(standing, Kind.FORECAST, threshold, ahead.mid, now=now))
        followed.append((standing, ahead.mid))
    has_moved = crossing.follow(known, followed, Kind.FORECAST, now=now)
    crossing.add(new)
    return bool(new) or has_moved
