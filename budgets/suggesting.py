"""A first amount from what was spent before, with how it came about."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from zoneinfo import ZoneInfo

from django.db.models import Min

from accounts.models import Organization
from budgets.models import Ledger
from budgets.rules.periods import Every, Rule, Span, back_from, span_at
from budgets.rules.suggesting import FEWEST, Suggestion, suggest
from budgets.spending import Ask, spent
from usage.models import DayRollup

MONTHS, WEEKS = 12, 13
WEEKS_IN_A_MONTH = Decimal(365) / 12 / 7


def suggestion(organization: Organization, now: datetime) -> Suggestion | None:
    """For the whole organization and a month: of past months, or of weeks where there are too few."""
    first: date | None = DayRollup.objects.owned_by(organization).aggregate(first=Min("day"))["first"]
    if first is None:
        return None
    zone = ZoneInfo(organization.timezone)
    for every, most, times in ((Every.MONTH, MONTHS, Decimal(1)), (Every.WEEK, WEEKS, WEEKS_IN_A_MONTH)):
        spans = past(zone, Rule(every), now, since=first, most=most)
        if len(spans) >= FEWEST:
            answers = spent(organization.pk, [Ask(Ledger.COUNTED, {}, span) for span in spans])
            return suggest([answer.total.amount for answer in answers], times=times)
    return None


def past(zone: ZoneInfo, rule: Rule, now: datetime, *, since: date, most: int) -> list[Span]:
    """Whole periods that ended, the oldest first; the first day of all may itself be half."""
    earlier = islice(back_from(span_at(now, zone, rule), zone, rule), most)
    return [span for span in earlier if span.first_day > since - timedelta(days=2)][::-1]
