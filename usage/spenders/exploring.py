"""The usage table of measured calls in words: by any dimension, or two that are kept together, over time."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils.text import Truncator, get_text_list

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from tokentra.lib.periods import DAY, Grain, after
from usage.asking import Mistakes
from usage.comparing import written
from usage.forms import Chip, Segment
from usage.measured import TAG, SummedTag
from usage.measuring.dimensions import dimension_of
from usage.names import Names
from usage.spenders import growth, left_out, spans, sums
from usage.spenders.measured_table import TIMES, MeasuredTable, wire
from usage.spenders.stats import KNOWN as DIMENSIONS
from usage.spenders.stats import kept_as
from usage.spenders.sums import Sums
from usage.spenders.words import WORDS, short, views, word_of

LONGEST = 40  # of a name in a cell
CHOICES = ("group", "sort", "after", "before")

Changes = dict[str, str | tuple[str, ...]]
FIRST_PAGE: Changes = {"after": "", "before": ""}


@dataclass(frozen=True)
class Cell:
    """One key of a row in words, with the way to only its rows."""

    column: str
    text: str
    title: str
    href: str
    logo: str = ""


@dataclass(frozen=True)
class Row:
    cells: list[Cell]
    sums: Sums


def read(query: QueryDict, organization: Organization, now: datetime) -> "Explored":
    """What the address asks for, inside the organization's scope; raises NotInPlan."""
    organization.require(Feature.EVERY_DIMENSION)
    known = (*DIMENSIONS, *(tag.dimension for tag in SummedTag.objects.owned_by(organization).order_by("name")))
    lens, span = spans.read(query, organization, now, *CHOICES, *known)
    found = Explored(organization, lens, span, known)
    found.errors += [
        f"Calls are not added up by the tag {name.removeprefix(TAG)}. Choose it under Attribution, Measured first."
        for name in dict.fromkeys((*query, *query.getlist("group")))
        if name.startswith(TAG) and name not in known
    ]
    return found


class Explored(MeasuredTable):
    """Read inside the organization's scope."""

    word = WORDS["customer"]  # the one that a first try sends
    icon = "chart-bar"
    teaching_title = "Measured usage will be here"

    @cached_property
    def names(self) -> Names:
        return Names(self.organization)

    @cached_property
    def has_events(self) -> bool:
        return growth.since(self.organization) is not None

    @cached_property
    def rows(self) -> list[Row]:
        return [
            Row([self._cell(name, row[key]) for name, key in self.keys.items()], sums.sums_of("", row))
            for row in self.page.rows
        ]

    def _cell(self, name: str, value: Any) -> Cell:
        if name in TIMES:
            return self._time(name, value)
        provider, _, model = value.partition("/") if name == "model" else ("", "", value)
        shown = self.names.given(name, value) or model
        others = [each for each in self.groups if each != name] or ["day"]
        changes: Changes = {name: value, "group": tuple(others), "sort": "", **FIRST_PAGE}
        href = f"?{self.lens.query(**changes)}"
        return Cell(word_of(name).one, Truncator(shown).chars(LONGEST), value, href, provider)

    def _time(self, name: str, value: Any) -> Cell:
        if name == "hour":
            at = value.astimezone(self.span.zone)
            return Cell("Hour", f"{written(at.date())}, {at:%H:%M}", wire(value), "")
        start = value.date() if isinstance(value, datetime) else value
        text = f"{start:%B %Y}" if name == "month" else written(start)
        text += f" {start.year}" if name != "month" and start.year != self.span.today.year else ""
        end = after(datetime.combine(start, datetime.min.time(), UTC), Grain(name)).date() - DAY
        first, last = max(start, self.span.first_day), min(end, self.span.last_day)
        groups = tuple("day" if each in TIMES else each for each in self.groups)
        query = self.lens.query_but_period(group=groups, after="", before="", sort="")
        return Cell(TIMES[name], text, f"{start}", f"?from={first}&to={last}&{query}")

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(name, TIMES.get(name) or word_of(name).one) for name in self.groups]

    @property
    def title(self) -> str:
        words = [name if name in TIMES else word_of(name).one_within for name in self.groups]
        return f"Measured calls by {get_text_list(words, 'and')}"

    @property
    def line(self) -> str:
        """Said where the period is of hours and its figures are of days, and of calls that no row has."""
        return " ".join(filter(None, ["" if self.by_hour else self.span.days_note, self._unnamed]))

    @property
    def _unnamed(self) -> str:
        """Of the calls that do not say what the columns go by; each says its model."""
        asked = [word_of(name).one_within for name in self.groups if name not in (*TIMES, "model")]
        if self.errors or self.filters or not asked:
            return ""
        span = self.span if self.by_hour else self.span.in_whole_days
        calls = sums.totals(self.organization, ("all",), span)["all"].calls
        rest = calls - self.total.calls
        if not rest:
            return ""
        names = f"{'names' if rest == 1 else 'name'} no {get_text_list(asked, 'or no')}"
        return f"{money.exact(rest)} of {money.exact(calls)} calls {names}: not in these rows."

    @property
    def unpriced_note(self) -> str:
        return left_out.note(self.total)

    @property
    def paging_line(self) -> str:
        rows = f"{money.exact(self.count)} {'row' if self.count == 1 else 'rows'}"
        return rows if self.count <= len(self.rows) else f"{len(self.rows)} of {rows}"

    @property
    def next(self) -> str:
        return self._turn(after=self.page.after) if self.page.after else ""

    @property
    def previous(self) -> str:
        return self._turn(before=self.page.before) if self.page.before else ""

    def _turn(self, **cursor: str) -> str:
        return f"?{self.lens.query(**({'after': '', 'before': ''} | cursor))}"

    @property
    def times(self) -> list[Segment]:
        rest = tuple(name for name in self.groups if name not in TIMES)
        choices = [Segment("All time", self._with_groups(*rest or ("customer",)), not {*TIMES} & {*self.groups})]
        for name in TIMES:
            choices.append(Segment(name.capitalize(), self._with_groups(name, *rest), name in self.groups))
        return choices

    @property
    def dimensions(self) -> list[Segment]:
        """Each turns its column on or off; one that is not kept with the others takes their place."""
        return [Segment(short(word_of(name).one), self._toggled(name), name in self.groups) for name in self.known]

    def _toggled(self, name: str) -> str:
        times = tuple(each for each in self.groups if each in TIMES)
        others = tuple(each for each in self.groups if each not in TIMES and each != name)
        if name in self.groups:
            return self._with_groups(*(*times, *others) or ("day",))
        if self.by_hour or not is_kept({name, *others, *self.filters}):
            others = ()
        if self.by_hour and not dimension_of(name).by_hour:
            times = ("day",)
        return self._with_groups(*times, *sorted((*others, name), key=self.known.index))

    def _with_groups(self, *groups: str) -> str:
        return f"?{self.lens.query(group=groups, sort='', after='', before='')}"

    @property
    def chips(self) -> list[Chip]:
        return [
            Chip(word_of(name).one, self.names.given(name, value) or value, self._without(name, value))
            for name, values in self.filters.items()
            for value in values
        ]

    def _without(self, name: str, value: str) -> str:
        rest = tuple(each for each in self.filters[name] if each != value)
        changes: Changes = {name: rest, **FIRST_PAGE}
        return self.lens.query(**changes)

    @property
    def offered(self) -> list[tuple[str, str]]:
        return [(name, word_of(name).one) for name in self.known]

    @property
    def kept_by_filter(self) -> list[tuple[str, str]]:
        """Query fields that the form for a filter carries along."""
        return [(name, value) for name, value in self.lens.pairs() if name not in ("after", "before", "sort")]

    @property
    def views(self) -> list[Segment]:
        return views("measured", replace(self.lens, extra={}).query())

    @property
    def clear_href(self) -> str:
        return f"?{self.lens.query(**dict.fromkeys((*self.known, 'after', 'before'), ''))}"

    @property
    def export(self) -> str:
        return self.lens.query(after="", before="")


def is_kept(dimensions: Collection[str]) -> bool:
    wrong = Mistakes()
    kept_as(list(dimensions), wrong)
    return not wrong.fields
