"""Filters of a page: those that are on, and the values that a period offers."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q, Sum

from accounts.models import Organization
from usage.forms import LABELS, Chip, Lens
from usage.models import DayDimension
from usage.names import Names

OFFERED = ("provider", "model", "project", "api_key")
MOST = 100  # of each, the dearest first

Option = tuple[str, str, bool]  # value, words, whether it is on


@dataclass(frozen=True)
class Choice:
    name: str
    label: str
    options: list[Option]


def chips(lens: Lens, names: Names) -> list[Chip]:
    return [
        Chip(LABELS[name], names.shown(name, value), lens.without(name, value))
        for name, values in lens.filters.items()
        for value in values
    ]


def choices(organization: Organization, lens: Lens, names: Names) -> list[Choice]:
    """One query for all of them. A value that is on stays on offer, though the period may not have it."""
    days = DayDimension.objects.owned_by(organization).filter(
        Q(dimension__in=OFFERED), day__gte=lens.period.first_day, day__lt=lens.period.end_day
    )
    found = days.values_list("dimension", "value", "provider").annotate(cost=Sum("amount", filter=Q(counted=True)))
    values: dict[str, dict[str, None]] = defaultdict(dict)
    for dimension, value, provider, _ in found.order_by("-cost"):
        values["provider"].setdefault(provider)
        if value and len(values[dimension]) < MOST:
            values[dimension].setdefault(value)
    return [Choice(name, LABELS[name], options(name, [*values[name]], lens, names)) for name in OFFERED]


def options(name: str, values: list[str], lens: Lens, names: Names) -> list[Option]:
    chosen = lens.filters.get(name, ())
    offered = dict.fromkeys([*chosen, *values])
    shown = [(value, names.shown(name, value), value in chosen[:1]) for value in offered]
    return sorted(shown, key=lambda option: option[1].lower())
