"""The values that an organization's figures have: what filters offer, and who is first in the colours."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import Organization
from usage.forms import LABELS, OFFERED, Chip, Lens
from usage.names import Names

MOST = 100  # of each, the dearest first
RANKED_DAYS = timedelta(days=89)  # with today, ninety
DEAREST = """
WITH costs AS (
    SELECT dimension, value, provider,
        coalesce(sum(amount) FILTER (WHERE counted AND currency = 'USD' AND day >= %(ninety)s), 0) AS cost
    FROM usage_daydimension
    WHERE organization_id = %(organization)s AND dimension = ANY(%(dimensions)s) AND day >= %(first)s
    GROUP BY dimension, value, provider
), named AS (
    SELECT dimension, value, sum(cost) AS cost FROM costs GROUP BY dimension, value
    UNION ALL SELECT 'provider', provider, sum(cost) FROM costs WHERE dimension = 'model' GROUP BY provider
), ranked AS (
    SELECT dimension, value, row_number() OVER (PARTITION BY dimension ORDER BY cost DESC, value) AS place,
        count(nullif(value, '')) OVER (PARTITION BY dimension) AS number
    FROM named
)
SELECT dimension, value, number FROM ranked WHERE place <= %(most)s ORDER BY place"""

Option = tuple[str, str, bool]  # value, words, whether it is on


@dataclass(frozen=True)
class Choice:
    name: str
    label: str
    options: list[Option]


@dataclass(frozen=True)
class Known:
    """The values of each dimension that cost the most in the last ninety days, and how many it has."""

    first: dict[str, list[str]]
    numbers: dict[str, int]

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
        params: dict[str, Any] = {
            "organization": organization.pk,
            "dimensions": list(dimensions),
            "first": min(since or ninety, ninety),
            "ninety": ninety,
            "most": MOST + 1,  # one of them may be nothing, which is not on offer
        }
        found: dict[str, list[str]] = defaultdict(list)
        numbers: dict[str, int] = {}
        with connection.cursor() as cursor:
            cursor.execute(DEAREST, params)
            for name, value, number in cursor.fetchall():
                found[name].append(value)
                numbers[name] = number
        return cls(dict(found), numbers)

    def ranking(self, name: str) -> list[str]:
        """By cost of the last ninety days, whatever a page shows: the same order everywhere."""
        return self.first.get(name, [])

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
