"""Runs by time, of everybody or of one agent or customer; and one run with its calls."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from usage import cursors, plan_reach
from usage.cursors import Foreign
from usage.forms import Chip, Lens
from usage.measured import Event, Run
from usage.spenders import calls, growth, left_out, runs_by_cost, tree
from usage.spenders.spans import Span
from usage.spenders.sums import Sums, amounts_of
from usage.spenders.words import Word

PAGE = 50
FILTERS = ("agent", "customer")
# What a list goes by: the indexes hold it, so a page costs the same however many runs there are.
COLUMNS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "began": ("started_at", datetime.fromisoformat),
    "cost": ("cost_order", float),
}
SORTS = tuple(f"{turn}{name}" for name in COLUMNS for turn in ("", "-"))
NEWEST = "-began"
CHOICES = (*FILTERS, "sort", "run", "after", "before")
FEW = 5_000  # runs, up to which they are sorted by their cost


@dataclass(frozen=True)
class Asked:
    """One list: of all times where there is no span. By cost, a run of which it is not known counts as 0."""

    filters: dict[str, str]
    span: Span | None = None
    sort: str = NEWEST

    @property
    def column(self) -> str:
        return COLUMNS[self.sort.removeprefix("-")][0]

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def words(self) -> list[str]:
        """What a cursor belongs to. It is a place in the order, so the list may end at another moment."""
        return ["runs", self.sort, *(f"{name}={value}" for name, value in sorted(self.filters.items()))]

    def place(self, position: list[str]) -> tuple[Any, UUID]:
        """What a cursor holds. Raises Foreign."""
        try:
            return COLUMNS[self.sort.removeprefix("-")][1](position[0]), UUID(position[1])
        except (ValueError, IndexError) as error:
            raise Foreign("This cursor belongs to another list. Ask again without one.") from error


@dataclass(frozen=True)
class Page:
    runs: list[Run]
    before: str = ""
    after: str = ""


def page(organization: Organization, asked: Asked, *, after: str = "", before: str = "", size: int = PAGE) -> Page:
    """Raises Foreign for a cursor of another list."""
    back = bool(before) and not after
    position = cursors.opened(asked.words, before if back else after)
    found = read(organization, asked, position, back=back, most=size + 1)
    more, shown = len(found) > size, found[:size]
    if back:
        shown.reverse()
    is_before, is_after = (more, True) if back else (bool(position), more)

    def cursor(run: Run) -> str:
        return cursors.sealed(asked.words, [getattr(run, asked.column), run.id])

    return Page(shown, cursor(shown[0]) if is_before and shown else "", cursor(shown[-1]) if is_after and shown else "")


def every(organization: Organization, asked: Asked) -> Iterator[Run]:
    """All of it, a few held at a time, and as it is now: none is missed that comes to cost more meanwhile."""
    return in_order(chosen(organization, asked), asked.column, is_descending=asked.is_descending).iterator()


def read(organization: Organization, asked: Asked, position: list[str], *, back: bool, most: int) -> list[Run]:
    """The first ones behind a position, or before it."""
    is_descending = asked.is_descending != back
    place = asked.place(position) if position else None
    rows = chosen(organization, asked)
    if asked.column == "cost_order" and rows.order_by("started_at")[FEW : FEW + 1].exists():
        return runs_by_cost.found(organization, rows, asked.filters, place, is_descending=is_descending, most=most)
    if place:
        rows = rows.filter(behind(asked.column, place, step="lt" if is_descending else "gt"))
    return list(in_order(rows, asked.column, is_descending=is_descending)[:most])


def in_order(rows: "QuerySet[Run]", column: str, *, is_descending: bool) -> "QuerySet[Run]":
    turn = "-" if is_descending else ""
    return rows.order_by(f"{turn}{column}", f"{turn}id")


def chosen(organization: Organization, asked: Asked) -> "QuerySet[Run]":
    rows = Run.objects.owned_by(organization).filter(**asked.filters)
    if asked.span:
        rows = rows.filter(started_at__gte=asked.span.start, started_at__lt=asked.span.end)
    if first := plan_reach.first_day(organization, timezone.now().date()):
        rows = rows.filter(started_at__gte=datetime.combine(first, time.min, UTC))
    return rows


def behind(column: str, place: tuple[Any, UUID], *, step: str) -> Q:
    """The first condition is one that an index begins at."""
    key, id = place
    return Q(**{f"{column}__{step}e": key}) & (Q(**{f"{column}__{step}": key}) | Q(**{f"id__{step}": id}))


class Runs:
    """The page of runs, read inside the organization's scope."""

    def __init__(self, organization: Organization, lens: Lens, span: Span) -> None:
        organization.require(Feature.EVERY_DIMENSION)
        self.organization, self.lens = organization, lens
        self.filters = {name: self._said(name) for name in FILTERS if self._said(name)}
        self.sought = self._said("run")  # the id of a run that is not there
        sort = self._said("sort")
        self.asked = Asked(self.filters, span, sort if sort in SORTS else NEWEST)

    def _said(self, name: str) -> str:
        return (self.lens.extra.get(name) or ("",))[0]

    @cached_property
    def page(self) -> Page:
        try:
            return page(self.organization, self.asked, after=self._said("after"), before=self._said("before"))
        except Foreign:  # of another list, or written by hand: the first page
            return page(self.organization, self.asked)

    teaching_title = "Runs will be here"
    icon = "route"
    word = Word("Run", "Runs", "runId")

    @cached_property
    def has_events(self) -> bool:
        return growth.since(self.organization) is not None

    @cached_property
    def has_runs(self) -> bool:
        return bool(self.page.runs) or Run.objects.owned_by(self.organization).exists()

    @property
    def chips(self) -> list[Chip]:
        return [Chip(name.capitalize(), value, self._query(**{name: ""})) for name, value in self.filters.items()]

    @property
    def search_keeps(self) -> list[tuple[str, str]]:
        """Query fields that the search form carries along."""
        return [(name, value) for name, value in self.lens.pairs() if name not in ("run", "after", "before")]

    @property
    def clear_href(self) -> str:
        return f"?{self._query(**dict.fromkeys(FILTERS, ''))}"

    @property
    def export(self) -> str:
        return self._query()

    @property
    def next(self) -> str:
        return f"?{self._query(after=self.page.after)}" if self.page.after else ""

    @property
    def previous(self) -> str:
        return f"?{self._query(before=self.page.before)}" if self.page.before else ""

    def _query(self, **changes: str) -> str:
        return self.lens.query(**({"run": "", "after": "", "before": ""} | changes))


COUNTED = 1_000  # runs of one agent, so that a list costs the same however many there are
COUNT = """
SELECT agent, (
    SELECT count(*) FROM (
        SELECT FROM usage_run WHERE organization_id = %(organization)s AND usage_run.agent = asked.agent
            AND started_at >= %(start)s AND started_at < %(end)s LIMIT %(most)s
    ) AS found
) FROM unnest(%(agents)s::text[]) AS asked (agent)"""


@dataclass(frozen=True)
class RunCount:
    """Of an agent; `is_more` where there are more than were counted."""

    number: int
    is_more: bool

    def __str__(self) -> str:
        return f"{money.exact(self.number)}{'+' if self.is_more else ''}"


def counts(organization: Organization, agents: Sequence[str], span: Span) -> dict[str, RunCount]:
    """How many runs of each agent began in the span."""
    asked: dict[str, Any] = {"organization": organization.pk, "agents": list(agents)}
    asked |= {"start": span.start, "end": span.end}
    with connection.cursor() as cursor:
        cursor.execute(COUNT, asked | {"most": COUNTED + 1})
        return {agent: RunCount(min(number, COUNTED), number > COUNTED) for agent, number in cursor.fetchall()}


def one(organization: Organization, run: str) -> Run | None:
    return Run.objects.owned_by(organization).filter(id=id_of(organization, run), run=run).first()


def id_of(organization: Organization, run: str) -> UUID:
    """As the statement that adds up runs makes it."""
    content = f"{organization.pk}\x1f{run}".encode()
    return UUID(hashlib.md5(content, usedforsecurity=False).hexdigest())


class OneRun:
    """One run with its calls as a tree."""

    def __init__(self, organization: Organization, run: Run) -> None:
        organization.require(Feature.EVERY_DIMENSION)
        self.organization, self.run = organization, run

    @cached_property
    def calls(self) -> list[Event]:
        return [*calls.of_run(self.organization, self.run)]

    @cached_property
    def nodes(self) -> "list[tree.Node[Event]]":
        return tree.grown(self.calls)

    @property
    def models(self) -> list[str]:
        return sorted({call.model for call in self.calls})

    @cached_property
    def sums(self) -> Sums:
        """What the page says of its cost; other currencies only of the calls that are at hand."""
        others = (
            (call.currency, call.amount)
            for call in self.calls
            if call.currency and call.amount is not None and not call.is_parent
        )
        run = self.run
        unpriced, partly = run.unpriced_calls, run.partly_priced or 0
        return Sums(cost=run.amount, others=amounts_of(others), unpriced_calls=unpriced, partly_priced=partly)

    @property
    def tokens_note(self) -> str:
        return f"{money.tokens(self.run.tokens_in)} in, {money.tokens(self.run.tokens_out)} out"

    @property
    def unpriced_note(self) -> str:
        return left_out.note(self.sums)

    @property
    def missing_note(self) -> str:
        """Said where the tree holds fewer calls than the run had."""
        shown = sum(not call.is_parent for call in self.calls)
        if shown >= self.run.calls:
            return ""
        days = self.organization.event_days
        if not self.calls:
            return f"Single calls are kept for {days} days. What this run's added up to stays above."
        some = f"{money.exact(shown)} of {money.exact(self.run.calls)} calls are shown"
        if len(self.calls) < calls.MOST_OF_RUN:
            return f"{some}: single calls are kept for {days} days. What all of them added up to stays above."
        return f"{some}, the first in time."
