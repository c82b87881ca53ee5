"""Rows of the usage table of measured calls: groups, filters, order and pages, as the database reads them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import TruncMonth, TruncWeek

from accounts.models import Organization
from usage import cursors
from usage.asking import LONGEST_BY_HOUR, Mistakes
from usage.cursors import Foreign
from usage.forms import Lens
from usage.measured import MeasuredDay, MeasuredHour
from usage.measuring.dimensions import BY_NAME, dimension_of
from usage.spenders import sums
from usage.spenders.spans import Span
from usage.spenders.stats import KNOWN as DIMENSIONS
from usage.spenders.stats import kept_as
from usage.spenders.sums import Sums
from usage.spenders.words import WORDS

PAGE = 50
TIMES = {"hour": "Hour", "day": "Day", "week": "Week from", "month": "Month"}
TIME_KEYS: dict[str, Any] = {"hour": F("hour"), "day": F("day"), "week": TruncWeek("day"), "month": TruncMonth("day")}
# What a table may be sorted by beside its keys, as the column that the database knows.
MEASURES = {
    "cost": "sum_cost",
    "calls": "sum_calls",
    "errors": "sum_errors",
    "tokens_in": "sum_tokens_in",
    "tokens_out": "sum_tokens_out",
    "latency": "latency",
}


@dataclass(frozen=True)
class Page:
    rows: list[dict[str, Any]]
    before: str = ""
    after: str = ""


class MeasuredTable:
    """Read inside the organization's scope. With `errors` there are no rows."""

    def __init__(self, organization: Organization, lens: Lens, span: Span, known: Sequence[str]) -> None:
        """`known` are the dimensions and tags that its events are added up by."""
        self.organization, self.lens, self.span, self.known = organization, lens, span, known
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
            rows: QuerySet[Any] = MeasuredHour.objects.owned_by(self.organization).of(one)
            rows = rows.filter(sums.within(self.span, MeasuredHour))
        else:
            rows = MeasuredDay.objects.owned_by(self.organization).of(one, other)
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
