"""One page for people who decide: this month so far, the month before, what changed most, what could be saved."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib.periods import Period, period
from usage import stats
from usage.comparing import change, written
from usage.dashboard import Board
from usage.forms import Lens
from usage.names import provider_name

MOST_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Change:
    """What one model cost now and in the earlier stretch."""

    model: str
    provider: str
    now: Decimal
    before: Decimal
    href: str

    @property
    def difference(self) -> Decimal:
        return self.now - self.before

    @property
    def ratio(self) -> Decimal | None:
        return change(self.now, self.before)

    @property
    def provider_name(self) -> str:
        return provider_name(self.provider)


class Summary:
    """Read inside the organization's scope; raises NotInPlan."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        organization.require(Feature.LONG_HISTORY)
        self.organization = organization
        self.month = Board(organization, Lens(period("month", now)), now)
        self.last_month = Board(organization, Lens(period("last_month", now)), now)

    @property
    def has_data(self) -> bool:
        return self.month.has_data

    @property
    def boards(self) -> list[tuple[str, Board]]:
        return [("This month so far", self.month), (f"{self.last_month.period.start:%B %Y}", self.last_month)]

    @cached_property
    def changes(self) -> list[Change]:
        """The models whose cost moved most, the largest first; none when the two stretches cannot be compared."""
        if not self.month.compared or not self.month.pair:
            return []
        now, before = self.month.pair.now, self.month.pair.before
        both = Lens(Period(before.start, now.end)).question("provider", "model")
        return [
            Change(model, provider, cost, earlier, self.rows(provider, model))
            for (provider, model), cost, earlier in stats.moved(
                self.organization, both, (now, before), most=MOST_CHANGES
            )
        ]

    @property
    def against(self) -> str:
        return self.month.pair.words if self.month.pair else ""

    @property
    def compared_words(self) -> str:
        """The stretch of this month that is over, which the changes are about."""
        span = self.month.pair.now if self.month.pair else self.month.period
        return f"{written(span.first_day)} to {written(span.last_day)}"

    @property
    def against_line(self) -> str:
        return f"Against {self.against}"

    def rows(self, provider: str, model: str) -> str:
        span = self.month.pair.now if self.month.pair else self.month.period
        days = {"from": f"{span.first_day}", "to": f"{span.last_day}"}
        asked = days | {"provider": provider, "model": model, "group": "day"}
        return f"{reverse('usage:explorer')}?{urlencode({name: value for name, value in asked.items() if value})}"
