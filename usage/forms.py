"""What a page of figures shows, read from its URL and written back into its links."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from tokentra.lib.periods import PRESETS, BadPeriod, Period, custom, period
from usage.figures import Question

DEFAULT = "30d"
FILTERS = ("provider", "model", "project", "api_key", "user", "service_tier")
OFFERED = ("provider", "model", "project", "api_key")  # the others come by a link of the table
BY_HOUR = {"provider", "model"}
NO_HOURS = "Hours are kept by provider and model. With other filters, choose a period of whole days."
LABELS = {
    "provider": "Provider",
    "model": "Model",
    "project": "Project",
    "api_key": "API key",
    "user": "User",
    "service_tier": "Service tier",
}
ONE_DAY = timedelta(days=1)


class RangeForm(forms.Form):
    """A range of a person's own, both days included."""

    start = forms.DateField(
        error_messages={"required": "Choose the first day.", "invalid": "Write the first day as 2026-01-31."}
    )
    end = forms.DateField(
        error_messages={"required": "Choose the last day.", "invalid": "Write the last day as 2026-01-31."}
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = values.get("start"), values.get("end")
        if not start or not end:
            return values
        if end < start:
            raise forms.ValidationError("The last day is before the first one.")
        if start.year < 2015 or end.year > 2100:
            raise forms.ValidationError("Choose days between 2015 and 2100.")
        try:
            values["period"] = custom(start.isoformat(), (end + ONE_DAY).isoformat())
        except BadPeriod as problem:
            raise forms.ValidationError(str(problem)) from problem
        return values


@dataclass(frozen=True)
class Segment:
    """One of several views of the same page."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Kept:
    """Query fields that a form carries along."""

    items: list[tuple[str, str]]


@dataclass(frozen=True)
class Chip:
    """A filter that is on, and the query of the page without it."""

    label: str
    value: str
    href: str


@dataclass(frozen=True)
class Lens:
    """Period, filters and the page's own choices. `typed` are the custom days as they were sent."""

    period: Period
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typed: tuple[date | None, date | None] = (None, None)
    errors: tuple[str, ...] = ()
    cut: int | None = None  # to how many days, because the plan shows no more

    @property
    def is_custom(self) -> bool:
        return self.period.preset == "custom"

    @property
    def start(self) -> date:
        return self.typed[0] or self.period.first_day

    @property
    def end(self) -> date:
        return self.typed[1] or self.period.last_day

    @property
    def kept(self) -> Kept:
        return Kept(list(self.pairs(with_period=False)))

    @property
    def kept_by_filters(self) -> Kept:
        """All but what the form itself asks for."""
        rest = {name: values for name, values in self.filters.items() if name not in OFFERED} | dict(self.extra)
        return Kept([*self._period(), *((name, value) for name, values in rest.items() for value in values)])

    @property
    def presets(self) -> list[Segment]:
        return [
            Segment(
                each.label,
                f"?{urlencode([('period', each.key), *self.pairs(with_period=False)])}",
                each.key == self.period.preset,
            )
            for each in PRESETS
        ]

    def query(self, **changes: str | tuple[str, ...]) -> str:
        """The page's own address with other choices; "" takes one out."""
        return urlencode(list(self._with(changes).pairs()))

    def query_but_period(self, **changes: str | tuple[str, ...]) -> str:
        return urlencode(list(self._with(changes).pairs(with_period=False)))

    def _with(self, changes: Mapping[str, str | tuple[str, ...]]) -> "Lens":
        extra = dict(self.extra)
        for name, value in changes.items():
            extra[name] = (value,) if isinstance(value, str) else value
        return replace(self, extra={name: tuple(v for v in values if v) for name, values in extra.items()})

    def only(self, dimension: str, value: str) -> "Lens":
        return replace(self, filters={**self.filters, dimension: (value,)}, extra={})

    def on(self, first: date, last: date) -> "Lens":
        return replace(
            self, period=custom(first.isoformat(), (last + ONE_DAY).isoformat()), typed=(None, None), extra={}
        )

    def without(self, dimension: str, value: str) -> str:
        rest = tuple(each for each in self.filters.get(dimension, ()) if each != value)
        return urlencode(list(replace(self, filters={**self.filters, dimension: rest}).pairs()))

    def question(self, *group_by: str, **more: Any) -> Question:
        return Question(self.period, group_by, {k: v for k, v in self.filters.items() if v}, **more)

    def export(self, *group_by: str, **more: str) -> str:
        """The same figures as a file."""
        span = self.period
        ends = [
            f"{at:%Y-%m-%dT%H:%M:%SZ}" if not span.is_whole_days else f"{at:%Y-%m-%d}" for at in (span.start, span.end)
        ]
        pairs = [("from", ends[0]), ("to", ends[1]), ("groupBy", ",".join(group_by)), *more.items()]
        return urlencode(
            [*pairs, *((f"filter[{name}]", value) for name, values in self.filters.items() for value in values)]
        )

    def pairs(self, *, with_period: bool = True) -> Iterator[tuple[str, str]]:
        if with_period:
            yield from self._period()
        for choices in (self.filters, self.extra):
            yield from ((name, value) for name, values in choices.items() for value in values)

    def _period(self) -> Iterator[tuple[str, str]]:
        if not self.is_custom:
            yield "period", self.period.preset
        elif self.period.is_whole_days:
            yield from (("from", f"{self.period.first_day}"), ("to", f"{self.period.last_day}"))


def look(query: QueryDict, now: datetime, *extra: str) -> Lens:
    """Reads the URL. What can't be shown as asked becomes the default period with the reasons in `errors`."""
    chosen, typed, errors = read_period(query, now)
    filters = {name: clean(query.getlist(name)) for name in FILTERS if clean(query.getlist(name))}
    kept = {name: clean(query.getlist(name)) for name in extra if clean(query.getlist(name))}
    if not chosen.is_whole_days and {*filters} - BY_HOUR:
        chosen, errors = period(DEFAULT, now), (NO_HOURS,)
    return Lens(chosen, filters, kept, typed, errors)


def read_period(query: QueryDict, now: datetime) -> tuple[Period, tuple[date | None, date | None], tuple[str, ...]]:
    if "from" in query or "to" in query:
        form = RangeForm({"start": query.get("from", ""), "end": query.get("to", "")})
        if form.is_valid():
            return form.cleaned_data["period"], (None, None), ()
        typed = form.cleaned_data.get("start"), form.cleaned_data.get("end")
        return period(DEFAULT, now), typed, tuple(str(each) for errors in form.errors.values() for each in errors)
    try:
        return period(query.get("period", DEFAULT), now), (None, None), ()
    except BadPeriod as problem:
        return period(DEFAULT, now), (None, None), (str(problem),)


def clean(values: list[str]) -> tuple[str, ...]:
    """What a filter can be, each value once; an empty one is a choice that was left open."""
    return tuple(dict.fromkeys(value for value in values if value and "\x00" not in value and len(value) <= 512))
