"""The page of one customer, agent or other value: what it cost, by what, how long it took, its runs and calls."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from tokentra.lib.charts import Chart, Part, Rank, rank
from usage.forms import Lens
from usage.measured import Event, Run
from usage.measuring.dimensions import dimension_of
from usage.names import Names
from usage.spenders import calls, growth, left_out, pictures, sums
from usage.spenders.calls import Newest
from usage.spenders.growth import Growth
from usage.spenders.spans import Span
from usage.spenders.sums import Sums
from usage.spenders.took import Took
from usage.spenders.words import Word, href, word_of

RUNS, CALLS = 10, 20  # the newest that are shown unasked
EXTRA = ("calls",)
LISTED = {"customer": "customer", "agent": "agent"}  # what runs know of, as their column


class Spender:
    """Read inside the organization's scope."""

    def __init__(self, organization: Organization, dimension: str, value: str, lens: Lens, span: Span) -> None:
        organization.require(Feature.EVERY_DIMENSION)
        self.organization, self.dimension, self.value = organization, dimension, value
        self.lens, self.span = lens, span.as_kept(dimension)
        self.days_note = "" if self.span is span else span.days_note

    @property
    def word(self) -> Word:
        return word_of(self.dimension)

    @cached_property
    def begun(self) -> tuple[datetime | None, datetime | None]:
        """The moments of the first call and of this value's first one."""
        return growth.since_and_first(self.organization, self.dimension, self.value)

    @cached_property
    def name(self) -> str:
        """What people call it: its own name, where the value is an id."""
        return Names(self.organization).given(self.dimension, self.value) or self.value

    @property
    def is_kept(self) -> bool:
        return self.first_at is not None

    @property
    def first_at(self) -> datetime | None:
        return self.begun[1]

    @property
    def in_dashboard(self) -> str:
        """The dashboard's measured figures of one customer alone."""
        if self.dimension != "customer":
            return ""
        return f"{reverse('usage:dashboard')}?{self.query}&{urlencode({'customer': self.value})}"

    @cached_property
    def points(self) -> list[tuple[object, Sums]]:
        return sums.in_time(self.organization, self.dimension, self.span, value=self.value)

    @cached_property
    def total(self) -> Sums:
        return sum((each for _, each in self.points), Sums())

    @cached_property
    def grown(self) -> Growth:
        return growth.of(self.organization, self.dimension, self.span, since=self.begun[0], value=self.value)

    def has(self, other: str) -> bool:
        return other in dimension_of(self.dimension).crossed_with

    @property
    def has_models(self) -> bool:
        return self.has("model")

    @property
    def kept_by_day(self) -> str:
        """Said of figures by model, feature or tool where the page shows hours."""
        return self.span.days_note

    @cached_property
    def models(self) -> list[Rank]:
        if not self.has_models:
            return []
        costs: dict[str, Decimal] = {}
        if self.span.by_hour:
            for each in sums.by(self.organization, self.dimension, self.value, "model", self.span):
                costs[each.value] = each.cost
        for _, key, amount in self._model_costs:  # the chart has them already
            costs[key] = costs.get(key, Decimal(0)) + amount
        parts = ((key, key.partition("/"), amount) for key, amount in costs.items() if amount)
        return rank([Part(key, model, amount, "", provider) for key, (provider, _, model), amount in parts])

    @cached_property
    def features(self) -> list[Rank]:
        named = ((each.value, each.cost) for each in self._by_feature if each.cost)
        return rank([Part(key, key, amount, href("feature", key, self.query)) for key, amount in named])

    @cached_property
    def _by_feature(self) -> list[Sums]:
        return sums.by(self.organization, self.dimension, self.value, "feature", self.span)

    @cached_property
    def tools(self) -> list[Sums]:
        return (
            sums.by(self.organization, self.dimension, self.value, "tool", self.span, most=20)
            if self.has("tool")
            else []
        )

    @cached_property
    def _model_costs(self) -> list[pictures.Point]:
        if self.span.by_hour or not self.has_models:
            return []
        return list(sums.costs_in_time(self.organization, self.dimension, self.value, "model", self.span))

    @property
    def query(self) -> str:
        return replace(self.lens, extra={}).query()

    @cached_property
    def chart(self) -> Chart:
        points = self._model_costs or [(at, "", each.cost) for at, each in self.points]
        names = {key: key.partition("/")[2] if key else "Cost" for _, key, _ in points}
        return pictures.costs(self.span, points, names=names, path="", empty=self.no_cost)

    @cached_property
    def latencies(self) -> Chart:
        return pictures.latencies(self.total.spread)

    @cached_property
    def runs(self) -> list[Run]:
        column = LISTED.get(self.dimension)
        if not column:
            return []
        mine = Run.objects.owned_by(self.organization).filter(**{column: self.value})
        return list(mine.order_by("-started_at", "-id")[:RUNS])

    @cached_property
    def newest(self) -> Newest:
        return calls.newest(self.organization, self.dimension, self.value, today=self.span.now.date())

    @property
    def calls(self) -> list[Event]:
        """The newest; more of them once somebody asked."""
        return self.newest.calls if "calls" in self.lens.extra else self.newest.calls[:CALLS]

    # In words

    @property
    def back(self) -> str:
        view = {"customer": "usage:customers", "agent": "usage:agents"}.get(self.dimension, "usage:measured")
        path = reverse(view) if view != "usage:measured" else reverse(view, args=[self.dimension])
        return f"{path}?{self.query}"

    @property
    def unpriced_note(self) -> str:
        return left_out.note(self.total)

    @property
    def no_cost(self) -> str:
        return left_out.no_cost(self.total)

    @property
    def no_feature_cost(self) -> str:
        if not self._by_feature and self.total.calls:
            return "No call of this period names a feature."
        return left_out.no_cost(sum(self._by_feature, Sums()))

    @property
    def per_call(self) -> str:
        return f"{money.dollars(self.total.average)} a call" if self.total.average is not None else ""

    @property
    def took(self) -> Took:
        return Took(self.total)

    @property
    def errors_note(self) -> str:
        return f"{money.exact(self.total.errors)} of {money.exact(self.total.calls)} calls"

    @property
    def latency_line(self) -> str:
        told = self.total.told
        return f"{money.exact(told)} of {money.exact(self.total.calls)} calls told theirs." if told else ""

    @property
    def lists_calls(self) -> bool:
        return self.dimension in LISTED

    @property
    def runs_link(self) -> str:
        return f"{reverse('usage:runs')}?{self.query}&{urlencode({self.dimension: self.value})}"

    @property
    def calls_line(self) -> str:
        days = self.organization.event_days
        line = f"Single calls are kept for {days} days."
        if count := len(self.calls):
            line = f"The newest {count}, whatever the period. {line}"
        return line if self.newest.is_whole else f"{line} Among very many others some could not be looked up."
