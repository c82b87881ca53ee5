"""The dashboard's part of what was measured: latency, errors, runs, and who and what is dearest."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.urls import reverse

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from tokentra.lib.charts import Part, Rank, rank
from usage.forms import Lens
from usage.measured import Run
from usage.measuring import appearing
from usage.spenders import growth, left_out, listing, sums
from usage.spenders.spans import Span
from usage.spenders.sums import Sums
from usage.spenders.took import Took
from usage.spenders.words import WORDS, href

TOP = 5
OFFERED = 50  # customers to choose from, the dearest first
SHOWN = ("customer", "feature", "agent")


@dataclass(frozen=True)
class Top:
    """The dearest values of one dimension; `no_cost` is said where none cost anything."""

    title: str
    line: str
    href: str
    ranks: list[Rank]
    no_cost: str


class Overview:
    """Read inside the organization's scope."""

    def __init__(self, organization: Organization, lens: Lens, span: Span) -> None:
        self.organization, self.lens, self.span = organization, lens, span

    @cached_property
    def since(self) -> datetime | None:
        """None before there is a call, and where the plan does not have its dimensions."""
        return growth.since(self.organization) if self.organization.can(Feature.EVERY_DIMENSION) else None

    @cached_property
    def totals(self) -> dict[str, Sums]:
        found = sums.totals(self.organization, ("all", "customer", "agent"), self.span)
        return found | sums.totals(self.organization, ("feature",), self.span)

    @property
    def total(self) -> Sums:
        return self.totals["all"]

    @cached_property
    def runs(self) -> int:
        """Different ones; by the hour those that began in the span."""
        if not self.span.by_hour:
            ends = {"start": self.span.first_day, "end": self.span.end_day}
            return appearing.unique(self.organization, appearing.RUN, **ends)
        began = Run.objects.owned_by(self.organization)
        return began.filter(started_at__gte=self.span.start, started_at__lt=self.span.end).count()

    @cached_property
    def _customers(self) -> listing.Page:
        return self._dearest("customer", OFFERED)

    def _dearest(self, dimension: str, most: int) -> listing.Page:
        return listing.page(self.organization, listing.Asked(dimension, self.span), size=most)

    @cached_property
    def tops(self) -> list[Top]:
        return [top for top in map(self._top, SHOWN) if top]

    def _top(self, dimension: str) -> Top | None:
        total = self.totals[dimension]
        if not total.calls:
            return None
        found = (self._customers if dimension == "customer" else self._dearest(dimension, TOP)).found[:TOP]
        word, query = WORDS[dimension], self.query
        parts = [
            Part(each.value, each.value, each.cost, href(dimension, each.value, query)) for each in found if each.cost
        ]
        path = {"customer": "usage:customers", "agent": "usage:agents"}.get(dimension)
        page = f"{reverse(path) if path else reverse('usage:measured', args=[dimension])}?{query}"
        if rest := total.cost - sum((each.cost for each in found), Decimal(0)):
            parts.append(Part("", "All others", rest, page))
        ranks = rank(parts, ranking=[each.value for each in found], keep=TOP + 1)
        ranks.sort(key=lambda each: each.href == page)  # the rest comes last
        by_day = self.span.by_hour and dimension == "feature"
        share = total.cost / self.total.cost if self.total.cost and not by_day else None
        named = f"{money.percent(share)} of the measured cost names one" if share is not None else ""
        line = self.span.days_note.rstrip(".") if by_day else named
        return Top(f"Top {word.many_within}", line, page, ranks, left_out.no_cost(total))

    @property
    def query(self) -> str:
        return replace(self.lens, extra={}).query()

    @property
    def customers(self) -> list[str]:
        return [each.value for each in self._customers.found]

    @property
    def customers_note(self) -> str:
        """Said where not all of them can be chosen."""
        return f"The {OFFERED} that cost most" if self._customers.after else ""

    @property
    def kept(self) -> dict[str, str]:
        """The period, for the form that chooses a customer."""
        return dict(replace(self.lens, extra={}).pairs())

    @property
    def unpriced_note(self) -> str:
        return left_out.note(self.total)

    @property
    def took(self) -> Took:
        return Took(self.total)

    @property
    def errors_note(self) -> str:
        return f"{money.exact(self.total.errors)} of {money.exact(self.total.calls)} calls"

    @property
    def runs_note(self) -> str:
        return "Those that began in these hours" if self.span.by_hour else ""
