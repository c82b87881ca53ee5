"""The values that an organization's figures have: what filters offer, and who is first in the colours."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from accounts.models import Organization
from usage.forms import LABELS, OFFERED, Chip, Lens
from usage.models import DayDimension
from usage.names import Names

MOST = 100  # of each, the dearest first
RANKED_DAYS = timedelta(days=90)

Option = tuple[str, str, bool]  # value, words, whether it is on


@dataclass(frozen=True)
class Choice:
    name: str
    label: str
    options: list[Option]


@dataclass(frozen=True)
class Known:
    """Values by dimension with their cost: of the last ninety days, and of a period before them as well."""

    recent: dict[str, dict[str, Decimal]]

    @classmethod
    def of(cls, organization: Organization, lens: Lens, now: datetime) -> "Known":
        ninety = now.date() - RANKED_DAYS
        days = DayDimension.objects.owned_by(organization).filter(
            dimension__in=OFFERED, day__gte=min(lens.period.first_day, ninety)
        )
        cost = Sum("amount", filter=Q(counted=True, currency="USD", day__gt=ninety), default=Decimal(0))
        recent: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        grouped = days.values_list("dimension", "value", "provider").annotate(cost=cost).order_by()
        for dimension, value, provider, amount in grouped:
            recent[dimension][value] += amount
            if dimension == "model":
                recent["provider"][provider] += amount
        return cls({name: dict(values) for name, values in recent.items()})

    def ranking(self, name: str) -> list[str]:
        """By cost of the last ninety days, whatever a page shows: the same order everywhere."""
        costs = self.recent.get(name, {})
        return sorted(costs, key=lambda value: (-costs[value], value))

    def choices(self, lens: Lens, names: Names) -> list[Choice]:
        return [Choice(name, LABELS[name], self.options(name, lens, names)) for name in OFFERED]

    def options(self, name: str, lens: Lens, names: Names) -> list[Option]:
        """A value that is on stays on offer, though it may be of other days."""
        chosen = lens.filters.get(name, ())
        offered = dict.fromkeys([*chosen, *(value for value in self.ranking(name) if value)][:MOST])
        shown = [(value, names.shown(name, value), value in chosen[:1]) for value in offered]
        return sorted(shown, key=lambda option: option[1].lower())


def chips(lens: Lens, names: Names) -> list[Chip]:
    return [
        Chip(LABELS[name], names.shown(name, value), lens.without(name, value))
        for name, values in lens.filters.items()
        for value in values
    ]
