"""The usage table of measured calls: by any dimension, or two that are kept together, over time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import TruncMonth, TruncWeek
from django.http import QueryDict
from django.utils.text import Truncator, get_text_list

from accounts.models import Organization
from tokentra.lib import money
from tokentra.lib.periods import DAY, Grain, after
from usage.asking import LONGEST_BY_HOUR, Mistakes
from usage.comparing import written
from usage.forms import Chip, Lens, Segment
from usage.measured import MeasuredDay, MeasuredHour, SummedTag
from usage.measuring.dimensions import BY_NAME, dimension_of
from usage.names import Names
from usage.spenders import cursors, growth, spans, sums
from usage.spenders.cursors import Foreign
from usage.spenders.places import unpriced
from usage.spenders.spans import Span
from usage.spenders.stats import KNOWN as DIMENSIONS
from usage.spenders.stats import kept_as
from usage.spenders.sums import Sums
from usage.spenders.words import WORDS, short, views, word_of

PAGE = 50
LONGEST = 40  # of a name in a cell
TIMES = {"hour": "Hour", "day": "Day", "week": "Week from", "month": "Month"}
TIME_KEYS: dict[str, Any] = {"hour": F("hour"), "day": F("day"), "week": TruncWeek("day"), "month": TruncMonth("day")}
CHOICES = ("group", "sort", "after", "before")
# What a table may be sorted by beside its keys, as the column that the database knows.
MEASURES = {
    "cost": "sum_cost",
    "calls": "sum_calls",
    "errors": "sum_errors",
    "tokens_in": "sum_tokens_in",
    "tokens_out": "sum_tokens_out",
    "latency": "latency",
}

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


@dataclass(frozen=True)
class Page:
    rows: list[dict[str, Any]]
    before: str = ""
    after: str = ""


def read(query: QueryDict, organization: Organization, now: datetime) -> "Explored":
    """What the address asks for, inside the organization's scope."""
    known = (*DIMENSIONS, *(tag.dimension for tag in SummedTag.objects.owned_by(organization).order_by("name")))
    lens, span = spans.read(query, organization.timezone, now, *CHOICES, *known)
    return Explored(organization, lens, span, known)


class Explored:
    """Read inside the organization's scope. With `errors` there are no rows."""

    word = WORDS["customer"]  # the one that a first try sends
    icon = "chart-bar"
    teaching_title = "Measured usage will be here"

    def __init__(self, organization: Organization, lens: Lens, span: Span, known: Sequence[str]) -> None:
        """`known` are the dimensions and tags that its events are added up by."""
        self.organization, self.lens, self.span, self.known = organization, lens, span, known
        self.names = Names(organization)
        self.filters = {name: lens.extra[name] for name in known if lens.extra.get(name)}
        self.groups = self._groups()
        self.keys = {name: f"key_{place}" for place, name in enumerate(self.groups)}  # tags have any name
        self.errors: list[str] = []
        self.crossed = self._crossed()
        self.sort = self._sort()

    def _said(self, name: str) -> str:
        return (self.lens.extra.get(name) or ("",))[0]

    def _groups(self) -> tuple[str, ...]:
        asked = self.lens.extra.get("group", ())
        times = [name for name in TIMES if name in asked][:1]
        chosen = (*times, *(name for name in self.known if name in asked))
        first = next(iter(self.filters), "customer")
        return chosen or ("hour" if self.span.by_hour else "day", first)

    def _crossed(self) -> tuple[str, str]:
        wrong = Mistakes()
        crossed = kept_as([name for name in self.known if name in {*self.groups, *self.filters}], wrong)
        self.errors += wrong.fields.get("groupBy", [])
        if self.by_hour and (crossed[1] or not dimension_of(crossed[0]).by_hour):
            words = [WORDS[name].one_within for name in DIMENSIONS if BY_NAME[name].by_hour]
            self.errors.append(f"By hour, calls are kept by one of {', '.join(words)}. Choose days for others.")
        if self.by_hour and self.span.end - self.span.start > LONGEST_BY_HOUR:
            self.errors.append("Hours are shown for at most 93 days. Choose a shorter period, or days.")
        return crossed

    def _sort(self) -> str:
        asked = self._said("sort")
        if asked.removeprefix("-") in (*MEASURES, *self.groups):
            return asked
        time = next((name for name in self.groups if name in TIMES), "")
        return f"-{time}" if time else "-cost"

    @property
    def by_hour(self) -> bool:
        return "hour" in self.groups

    @cached_property
    def has_events(self) -> bool:
        return growth.since(self.organization) is not None

    # Rows

    @property
    def _keyed(self) -> dict[str, Any]:
        return {
            key: TIME_KEYS.get(name) or F("value" if name == self.crossed[0] else "by_value")
            for name, key in self.keys.items()
        }

    @property
    def _kept(self) -> "QuerySet[Any]":
        one, other = self.crossed
        if self.by_hour:
            rows: QuerySet[Any] = MeasuredHour.objects.owned_by(self.organization).filter(dimension=one)
            rows = rows.filter(sums.within(self.span, MeasuredHour))
        else:
            rows = MeasuredDay.objects.owned_by(self.organization).filter(dimension=one, by=other)
            rows = rows.filter(sums.within(self.span, MeasuredDay))
        for name, values in self.filters.items():
            rows = rows.filter(**{f"{'value' if name == one else 'by_value'}__in": values})
        return rows

    @property
    def _grouped(self) -> "QuerySet[Any, Any]":
        found: QuerySet[Any, Any] = self._kept.values(**self._keyed).annotate(**sums.measures())
        if "latency" in self.sort:
            found = found.annotate(latency=sums.DERIVED["latency"])
        return found

    @property
    def _order(self) -> dict[str, bool]:
        """What it goes by, and whether each goes down; no two rows are equal in all of them."""
        first = self.sort.removeprefix("-")
        return {first: self.sort.startswith("-")} | {name: False for name in self.groups if name != first}

    @property
    def _columns(self) -> list[tuple[str, bool]]:
        """The same as the database knows it."""
        known = MEASURES | self.keys
        return [(known[name], is_down) for name, is_down in self._order.items()]

    @property
    def _words(self) -> list[str]:
        """What a cursor belongs to."""
        period = self.span.period
        chosen = [f"{name}={values}" for name, values in sorted(self.filters.items())]
        return ["explored", f"{period.start}", f"{period.end}", *self.groups, "|", self.sort, *chosen]

    def _ordered(self, *, back: bool = False) -> "QuerySet[Any, Any]":
        return self._grouped.order_by(
            *(F(column).desc() if is_down != back else F(column).asc() for column, is_down in self._columns)
        )

    @cached_property
    def page(self) -> Page:
        if self.errors:
            return Page([])
        try:
            return self._page(self._said("after"), self._said("before"))
        except Foreign:  # of another question, or written by hand: the first page
            return self._page("", "")

    def _page(self, after: str, before: str) -> Page:
        back = bool(before) and not after
        position = self._opened(before if back else after)
        found = self._ordered(back=back)
        if position:
            found = found.filter(behind(self._columns, position, back=back))
        rows = list(found[: PAGE + 1])
        more, shown = len(rows) > PAGE, rows[:PAGE]
        if back:
            shown.reverse()
        is_before, is_after = (more, True) if back else (bool(position), more)
        return Page(
            shown,
            self._cursor(shown[0]) if is_before and shown else "",
            self._cursor(shown[-1]) if is_after and shown else "",
        )

    def _cursor(self, row: Mapping[str, Any]) -> str:
        return cursors.sealed(self._words, [row[column] for column, _ in self._columns])

    def _opened(self, cursor: str) -> list[Any]:
        texts = cursors.opened(self._words, cursor)
        try:
            return [typed(name, text) for name, text in zip(self._order, texts, strict=bool(texts))]
        except (ValueError, InvalidOperation) as error:
            raise Foreign("This cursor belongs to another table. Ask again without one.") from error

    def every(self) -> Iterator[tuple[list[str], Sums]]:
        """All rows with their keys as a file has them, a few held at a time."""
        for row in self._ordered().iterator():
            yield [wire(row[key]) for key in self.keys.values()], sums.sums_of("", row)

    @cached_property
    def total(self) -> Sums:
        return Sums() if self.errors else sums.sums_of("", self._kept.aggregate(**sums.measures()))

    @cached_property
    def count(self) -> int:
        return 0 if self.errors else self._kept.values(**self._keyed).distinct().count()

    # In words

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
        """Said where the period is of hours and its figures are of days."""
        if self.by_hour or not self.span.by_hour:
            return ""
        whole = self.span.in_whole_days
        return f"Kept by day: all of {written(whole.first_day)} and {written(whole.last_day)}."

    @property
    def unpriced_note(self) -> str:
        return unpriced(self.total)

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


def behind(order: Sequence[tuple[str, bool]], position: Sequence[Any], *, back: bool) -> Q:
    """Rows after a position in an order of several columns, or before it."""
    found, equal = Q(pk__in=()), Q()
    for (name, down), value in zip(order, position, strict=True):
        found |= equal & Q(**{f"{name}__{'lt' if down != back else 'gt'}": value})
        equal &= Q(**{name: value})
    return found


def typed(name: str, text: str) -> Any:
    if name == "hour":
        return datetime.fromisoformat(text)
    if name in TIMES:
        return date.fromisoformat(text[:10])
    if name not in MEASURES:
        return text
    return Decimal(text) if name == "cost" else int(Decimal(text))


def wire(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, date) else str(value)
