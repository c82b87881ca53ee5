"""What features' calls came to with each model, from the sums of days; nothing reads single calls."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, QuerySet

from accounts.models import Organization
from usage.measured import MeasuredDay
from usage.rules.families import undated
from usage.rules.routing import Call, FeatureUse
from usage.spenders import sums
from usage.spenders.sums import Sums

DAYS = 30
MOST = 300  # pairs of a feature and a model, the dearest ones


def rows(organization: Organization) -> "QuerySet[MeasuredDay]":
    return MeasuredDay.objects.owned_by(organization).of("feature", "model")


def uses(organization: Organization, today: date) -> list[FeatureUse]:
    """Of the thirty days before today, in the organization's zone. Versions of a model are one."""
    days = rows(organization).filter(day__gte=today - timedelta(days=DAYS), day__lt=today)
    grouped: QuerySet[Any, Any] = days.values("value", "by_value").annotate(
        **sums.measures(classes=True), sum_days=ArrayAgg("day", distinct=True)
    )
    found: dict[Call, FeatureUse] = {}
    for row in grouped.order_by("-sum_cost", "value", "by_value")[:MOST]:
        each = use_of(row)
        found[each.call] = together(found[each.call], each) if each.call in found else each
    return list(found.values())


def use_of(row: dict[str, Any]) -> FeatureUse:
    said = sums.sums_of("", row)
    provider, _, model = row["by_value"].partition("/")
    return FeatureUse(
        call=Call(row["value"], provider, undated(model)),
        days=frozenset(row["sum_days"]),
        calls=said.calls,
        errors=said.errors,
        unpriced=said.calls - said.priced,
        cost=said.cost,
        tokens=said.classes,
    )


def together(one: FeatureUse, other: FeatureUse) -> FeatureUse:
    return replace(
        one,
        days=one.days | other.days,
        calls=one.calls + other.calls,
        errors=one.errors + other.errors,
        unpriced=one.unpriced + other.unpriced,
        cost=one.cost + other.cost,
        tokens=one.tokens + other.tokens,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """Whole days of a feature, the last one not included."""

    feature: str
    first: date
    end: date


def sums_by_model(organization: Organization, asked: Iterable[Asked]) -> dict[Asked, dict[str, Sums]]:
    """One query for all of them; the models with their provider before them."""
    found: dict[Asked, dict[str, Sums]] = {each: {} for each in asked}
    wanted = reduce(Q.__or__, (Q(value=each.feature, day__gte=each.first, day__lt=each.end) for each in found), Q())
    if not wanted:
        return found
    grouped: QuerySet[Any, Any] = rows(organization).filter(wanted).values("value", "by_value", "day")
    for row in grouped.annotate(**sums.measures()).order_by():
        for each, held in found.items():
            if row["value"] == each.feature and each.first <= row["day"] < each.end:
                held[row["by_value"]] = add(held.get(row["by_value"], Sums()), sums.sums_of("", row))
    return found
