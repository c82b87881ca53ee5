"""How cost and calls grew over an equal stretch before, where all of that was measured."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db.models import Min, Q, Sum
from django.db.models.functions import Coalesce

from accounts.models import Organization
from usage.comparing import Pair, change, pair
from usage.measured import MeasuredDay
from usage.measuring.hashes import series_of
from usage.spenders import sums
from usage.spenders.spans import Span
from usage.spenders.sums import USD, ZERO


@dataclass(frozen=True)
class Growth:
    """Ratios, None where there is nothing to compare with; `words` name the earlier stretch, and what is left out."""

    cost: Decimal | None = None
    calls: Decimal | None = None
    words: str = ""


def since(organization: Organization) -> datetime | None:
    """The moment of the first call; None before there is one."""
    days = MeasuredDay.objects.owned_by(organization).of("all")
    found: datetime | None = days.aggregate(first=Min("first_at"))["first"]
    return found


def since_and_first(organization: Organization, dimension: str, value: str) -> tuple[datetime | None, datetime | None]:
    """The same, and that of the first call of one value."""
    both = [series_of("all"), series_of(dimension)]
    days = MeasuredDay.objects.owned_by(organization).filter(series__in=both).of_values(["", value])
    ever, mine = (Min("first_at", filter=Q(dimension=each)) for each in ("all", dimension))
    found = days.aggregate(ever=ever, mine=mine)
    return found["ever"], found["mine"]


def of(
    organization: Organization, dimension: str, span: Span, *, since: datetime | None, value: str | None = None
) -> Growth:
    """Today is left out, since it is not over. Nothing is compared with a stretch that began before the first call."""
    both = stretches(span)
    if both is None or since is None:
        return Growth()
    now, before = (replace(span, period=each) for each in (both.now, both.before))
    if since > before.start:
        return Growth()
    rows = sums.rows(organization, dimension, replace(span, period=replace(both.now, start=both.before.start)))
    if value is not None:
        rows = rows.of_values([value])
    is_now = Q(hour__gte=now.start) if span.by_hour else Q(day__gte=now.first_day)
    is_before = Q(hour__lt=before.end) if span.by_hour else Q(day__lt=before.end_day)
    found = rows.aggregate(
        cost_now=Coalesce(Sum("amount", filter=is_now & USD), ZERO),
        cost_before=Coalesce(Sum("amount", filter=is_before & USD), ZERO),
        calls_now=Coalesce(Sum("calls", filter=is_now), 0),
        calls_before=Coalesce(Sum("calls", filter=is_before), 0),
    )
    return Growth(
        change(found["cost_now"], found["cost_before"]), change(found["calls_now"], found["calls_before"]), both.against
    )


def stretches(span: Span) -> Pair | None:
    if span.by_hour:
        return pair(span.period, span.now, span.today)
    return pair(span.period, None, span.today) if span.first_day < span.today else None
