"""The usage table: any grouping of a period, a page at a time, with what stands behind each row."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils.text import Truncator

from accounts.models import Organization
from tokentra.lib import money
from tokentra.lib.periods import Grain, after
from tokentra.lib.problems import Problem
from usage import plan_reach, stats
from usage.asking import LONGEST_BY_HOUR, Mistakes, opened, sealed
from usage.choices import Choice, Known, chips
from usage.figures import NARROW, TIMES, Figures, Question, position
from usage.forms import LABELS, OFFERED, Chip, Lens, Segment
from usage.freshness import Reach, measured, reaches
from usage.names import Names
from usage.spenders.words import views

EXTRA = ("group", "sort", "after", "before")
DIMENSIONS = ("provider", "model", "project", "api_key", "user", "service_tier")
DEFAULT = ("day", "model", "project", "api_key")
MEASURES = ("cost", "requests", "tokens", "cache_read", "output")
PAGE = 50
LONGEST = 26  # of a name, where several share a line
TIME_WORDS = {name: name for name in TIMES}
TIME_LABELS = {"hour": "Hour, UTC", "day": "Day, UTC", "week": "Week from", "month": "Month"}


@dataclass(frozen=True)
class Cell:
    """One key of a row, in words, with the way to only its rows."""

    column: str
    text: str
    title: str = ""
    href: str = ""
    logo: str = ""


@dataclass(frozen=True)
class Row:
    cells: list[Cell]
    figures: Figures


@dataclass(frozen=True)
class Column:
    name: str
    label: str


class Table:
    def __init__(self, organization: Organization, lens: Lens, now: datetime) -> None:
        self.organization, self.lens, self.now = organization, lens, now
        self.names = Names(organization)
        self.errors: list[str] = []
        self.known = plan_reach.offered(organization, DIMENSIONS)
        plan_reach.refuse_others(organization, (*lens.extra.get("group", ()), *lens.filters), DIMENSIONS)
        self.groups = self._groups()
        self.sort = self._sort()
        self._check()

    def _groups(self) -> tuple[str, ...]:
        asked = self.lens.extra.get("group", ())
        if asked == ("none",):
            return ()
        known = [name for name in (*TIMES, *self.known) if name in asked]
        times = [name for name in known if name in TIMES][:1]
        chosen = (*times, *(name for name in known if name not in TIMES))
        if chosen or self.lens.period.is_whole_days:
            return chosen or tuple(name for name in DEFAULT if name in (*TIMES, *self.known))
        return ("hour", "model")

    def _sort(self) -> str:
        asked = (self.lens.extra.get("sort") or ("",))[0]
        if asked.removeprefix("-") in (*MEASURES, *self.groups):
            return asked
        time = next((name for name in self.groups if name in TIMES), "")
        return f"-{time}" if time else "-cost"

    def _check(self) -> None:
        if self.question.by_hour and len(self.question.dimensions) > 1:
            self.errors.append("By hour, usage is kept for one dimension at a time. Choose days to combine several.")
        span = self.lens.period
        if self.question.by_hour and span.end - span.start > LONGEST_BY_HOUR:
            self.errors.append("Hours are shown for at most 93 days. Choose a shorter period, or days.")

    @property
    def question(self) -> Question:
        """With the provider wherever a model is, so that each model wears its mark."""
        own = "provider" in self.groups or "model" not in self.groups
        groups = self.groups if own else (*self.groups, "provider")
        return self.lens.question(*groups, order=self.sort)

    @cached_property
    def accounts(self) -> list[Reach]:
        return reaches(self.organization)

    @property
    def has_data(self) -> bool:
        return bool(self.accounts or measured(self.organization))

    @cached_property
    def page(self) -> tuple[list[Figures], bool, bool]:
        """The groups on this page, and whether there are some before and after it."""
        if self.errors or not self.groups:
            return [], False, False
        back, forth = self._position("before"), self._position("after")
        found = list(
            stats.groups(self.organization, self.question, after=back or forth, limit=PAGE + 1, backwards=bool(back))
        )
        more, shown = len(found) > PAGE, found[:PAGE]
        if back:
            return shown[::-1], more, True
        return shown, bool(forth), more

    def _position(self, name: str) -> list[Any]:
        cursor = (self.lens.extra.get(name) or ("",))[0]
        try:
            return opened(cursor, self.question, Mistakes())
        except Problem:  # of another question, or written by hand: the first page
            return []

    @cached_property
    def rows(self) -> list[Row]:
        return [Row([self._cell(name, figures.keys) for name in self.groups], figures) for figures in self.page[0]]

    @cached_property
    def total(self) -> Figures:
        return Figures() if self.errors else stats.totals(self.organization, self.question)

    @cached_property
    def count(self) -> int:
        return 0 if self.errors or not self.groups else stats.count(self.organization, self.question)

    @property
    def columns(self) -> list[Column]:
        return [Column(name, TIME_LABELS.get(name) or LABELS[name]) for name in self.groups]

    @property
    def title(self) -> str:
        named = [TIME_WORDS.get(name) or LABELS[name].replace("API", "api").lower() for name in self.groups]
        return f"Usage by {' and '.join(filter(None, [', '.join(named[:-1]), *named[-1:]]))}".replace("api", "API")

    @property
    def paging_line(self) -> str:
        rows = f"{money.exact(self.count)} {'row' if self.count == 1 else 'rows'}"
        return rows if self.count <= len(self.rows) else f"{len(self.rows)} of {rows}"

    @property
    def clear_href(self) -> str:
        return f"?{replace(self.lens, filters={}).query(after='', before='')}"

    @property
    def chips(self) -> list[Chip]:
        return chips(self.lens, self.names)

    @property
    def choices(self) -> list[Choice]:
        known = Known.of(self.organization, self.now, since=self.lens.period.first_day)
        return known.choices(self.lens, self.names, plan_reach.offered(self.organization, OFFERED))

    @property
    def next(self) -> str:
        return self._turn("after", self.page[0][-1]) if self.page[2] else ""

    @property
    def previous(self) -> str:
        return self._turn("before", self.page[0][0]) if self.page[1] and self.page[0] else ""

    def _turn(self, name: str, at: Figures) -> str:
        cursor = sealed(self.question, position(self.question, at))
        turned = {"after": "", "before": "", name: cursor}
        return f"?{self.lens.query(**turned)}"

    @property
    def times(self) -> list[Segment]:
        rest = tuple(name for name in self.groups if name not in TIMES)
        hourly = next((name for name in rest if name in NARROW), "model")
        choices = [Segment("All time", self._grouped(*rest or ("model",)), not {*TIMES} & {*self.groups})]
        for name in TIMES:
            groups = (name, hourly) if name == "hour" else (name, *rest)
            choices.append(Segment(name.capitalize(), self._grouped(*groups), name in self.groups))
        return choices

    @property
    def dimensions(self) -> list[Segment]:
        """Each turns its column on or off; by hour it takes the place of the other."""
        return [Segment(LABELS[name], self._toggled(name), name in self.groups) for name in self.known]

    def _toggled(self, name: str) -> str:
        if name in self.groups:
            rest = tuple(each for each in self.groups if each != name)
            return self._grouped(*rest or ("day",))
        kept = tuple(each for each in self.groups if "hour" not in self.groups or each not in NARROW)
        order = (*TIMES, *DIMENSIONS)
        return self._grouped(*sorted((*kept, name), key=order.index))

    def _grouped(self, *groups: str) -> str:
        return f"?{self.lens.query(group=groups, sort='', after='', before='')}"

    @property
    def views(self) -> list[Segment]:
        """The two tables of usage, in the same period."""
        query = self.lens.query(**dict.fromkeys(EXTRA, ""))
        return views("counted", query)

    @property
    def export(self) -> str:
        return self.lens.export(*self.groups, sort=self.sort)

    def _cell(self, name: str, keys: Mapping[str, Any]) -> Cell:
        value = keys[name]
        if name in TIMES:
            return self._time(name, value)
        shown = self.names.shown(name, value)
        given = self.names.given(name, str(value))
        href = f"?{self.lens.only(name, str(value)).query(group=self.groups)}" if value != "" else ""
        logo = str(value) if name == "provider" else keys.get("provider", "") if name == "model" else ""
        text = Truncator(shown).chars(LONGEST if len(self.groups) > 2 else 2 * LONGEST)
        return Cell(LABELS[name], text, f"{shown} ({value})" if given else shown, href, logo)

    def _time(self, name: str, value: Any) -> Cell:
        column = TIME_LABELS[name]
        if name == "hour":
            return Cell(column, f"{value.day} {value:%b, %H:%M}", f"{value.day} {value:%b %Y, %H:%M} UTC")
        text = f"{value:%B %Y}" if name == "month" else f"{value.day} {value:%b}"
        text += f" {value:%Y}" if name != "month" and value.year != self.now.year else ""
        if name == "day" and len(self.groups) > 1:
            return Cell(
                column,
                text,
                f"{value:%A} {value.day} {value:%B %Y}",
                f"?{self.lens.on(value, value).query(group=self.groups)}",
            )
        first = max(value, self.lens.period.first_day)
        start = datetime.combine(value, datetime.min.time(), self.now.tzinfo)
        last = min(after(start, Grain(name)).date() - timedelta(days=1), self.lens.period.last_day)
        days = ("day", *(each for each in self.groups if each not in TIMES))
        return Cell(column, text, "", f"?{self.lens.on(first, last).query(group=days)}" if name != "day" else "")
