"""What counts by the hour of providers that have no account: events, since neither a bill nor a reading has any."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import Organization
from tokentra.lib.periods import Period
from usage.figures import Figures
from usage.measured import MeasuredHour
from usage.spenders import sums


def figures(
    organization: Organization, span: Period, *, without: Collection[str]
) -> Iterator[tuple[datetime, Figures]]:
    """Of each hour, by provider and model, but for those of providers that have an account."""
    rows = MeasuredHour.objects.owned_by(organization).of("model").filter(hour__gte=span.start, hour__lt=span.end)
    found: QuerySet[Any, Any] = rows.values("hour", "value").annotate(**sums.measures(classes=True))
    for row in found.order_by("hour", "value"):
        provider, _, model = row["value"].partition("/")
        if provider not in without:
            each = sums.sums_of("", row)
            yield (
                row["hour"],
                Figures(
                    keys={"provider": provider, "model": model},
                    cost=each.cost,
                    other_currencies=each.others,
                    tokens=each.classes,
                    requests=each.calls,
                    units=dict(each.units),
                    unpriced_tokens=each.unpriced_tokens,
                    measured=each.cost,
                ),
            )


def whole(hours: Iterable[tuple[datetime, Figures]]) -> list[Figures]:
    """Of all hours together, by provider and model."""
    found: dict[tuple[str, ...], Figures] = {}
    for _, each in hours:
        key = tuple(each.keys.values())
        found[key] = found[key] + each if key in found else each
    return list(found.values())
