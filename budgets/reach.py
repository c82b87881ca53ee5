"""Whether figures have ever had a value: a budget of one that they never have would stay at nothing for good."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet, Sum

from accounts.models import Organization
from budgets.scopes import COUNTED, PROVIDER
from usage.measured import MeasuredDay
from usage.models import DayDimension

OFFERED = 100  # values of one dimension, the most used first
RECENT = timedelta(days=90)


def unknown(organization: Organization, ledger: str, scope: Mapping[str, Collection[str]]) -> list[tuple[str, str]]:
    """Dimension and value of each that no figure has, inside the organization's scope."""
    return [
        (dimension, value)
        for dimension, values in scope.items()
        for value in sorted(set(values) - known(organization, ledger, dimension, values))
    ]


def known(organization: Organization, ledger: str, dimension: str, values: Collection[str]) -> set[str]:
    rows, column = source(organization, ledger, dimension)
    return set(rows.filter(**{f"{column}__in": list(values)}).values_list(column, flat=True).distinct().order_by())


def offered(organization: Organization, ledger: str, dimension: str, now: datetime) -> list[str]:
    """What was used in the last ninety days."""
    rows, column = source(organization, ledger, dimension)
    recent = rows.filter(day__gte=(now - RECENT).date()).exclude(**{column: ""})
    ranked = recent.values(found=F(column)).annotate(cost=Sum("amount")).order_by("-cost", "found")
    return [row["found"] for row in ranked[:OFFERED]]


def source(organization: Organization, ledger: str, dimension: str) -> "tuple[QuerySet[Any], str]":
    """Rows that have the dimension, and in which column."""
    if ledger == COUNTED:
        days = DayDimension.objects.owned_by(organization)
        if dimension == PROVIDER:
            return days.filter(dimension="model"), "provider"
        return days.filter(dimension=dimension), "value"
    return MeasuredDay.objects.owned_by(organization).of(dimension), "value"
