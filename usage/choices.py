"""The values that an organization's figures have: what filters offer, and who is first in the colours."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from accounts.models import Organization
from usage.forms import LABELS, OFFERED, Chip, Lens
from usage.models import DayDimension
from usage.names import Names

MOST = 100  # of each, the dearest first
RANKED_DAYS = timedelta(days=89)  # with today, ninety

Option = tuple[str, str, bool]  # value, words, whether it is on


@dataclass(frozen=True)
class Choice:
    name: str
    label: str
    options: list[Option]


@dataclass(frozen=True)
class Known:
    """Values by dimension with their cost of the last ninety days."""

    recent: dict[str, dict[str, Decimal]]

    @classmethod
    def of(
        cls,
        organization: Organization,
        now: datetime,
        dimensions: Collection[str] = OFFERED,
        *,
        since: date | None = None,
    ) -> "Known":
        """Values of those days, and of older ones back to `since`; providers come with models."""
        ninety = now.date() - RANKED_DAYS
        first = min(since or ninety, ninety)
        days = DayDimension.objects.owned_by(organization).filter(dimension__in=dimensions, day__gte=first)
        cost = Sum("amount", filter=Q(counted=True, currency="USD", day__gte=ninety), default=Decimal(0))
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

    def choices(self, lens: Lens, names: Names, offered: Collection[str] = OFFERED) -> list[Choice]:
        return [Choice(name, LABELS[name], self.options(name, lens, names)) for name in offered]

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
