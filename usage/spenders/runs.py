"""Runs by time, of everybody or of one agent or customer; and one run with its calls."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from usage import cursors, plan_reach
from usage.cursors import Foreign
from usage.measured import Event, Run
from usage.spenders import calls, growth, left_out, tree
from usage.spenders.spans import Span
from usage.spenders.sums import Sums
from usage.spenders.words import Word

PAGE = 50
FILTERS = ("agent", "customer")
ASKED = (*FILTERS, "run", "after", "before")


@dataclass(frozen=True)
class Page:
    runs: list[Run]
    before: str = ""
    after: str = ""


def page(
    organization: Organization, filters: dict[str, str], *, after: str = "", before: str = "", size: int = PAGE
) -> Page:
    """The newest first. Raises Foreign for a cursor of another list."""
    back = bool(before) and not after
    words = [f"{name}={value}" for name, value in sorted(filters.items())]
    position = cursors.opened(["runs", *words], before if back else after)
    rows = Run.objects.owned_by(organization).filter(**filters)
    if first := plan_reach.first_day(organization, timezone.now().date()):
        rows = rows.filter(started_at__gte=datetime.combine(first, time.min, UTC))
    rows = rows.order_by("started_at", "id") if back else rows.order_by("-started_at", "-id")
    if position:
        rows = rows.filter(behind(position, step="gt" if back else "lt"))
    found = list(rows[: size + 1])
    more, shown = len(found) > size, found[:size]
    if back:
        shown.reverse()
    is_before, is_after = (more, True) if back else (bool(position), more)

    def cursor(run: Run) -> str:
        return cursors.sealed(["runs", *words], [run.started_at.isoformat(), run.id])

    return Page(shown, cursor(shown[0]) if is_before and shown else "", cursor(shown[-1]) if is_after and shown else "")


def behind(position: list[str], *, step: str) -> Q:
    try:
        at, id = datetime.fromisoformat(position[0]), UUID(position[1])
    except (ValueError, IndexError) as error:
        raise Foreign("This cursor belongs to another list. Ask again without one.") from error
    return Q(**{f"started_at__{step}": at}) | Q(started_at=at, **{f"id__{step}": id})


class Runs:
    """The page of runs, read inside the organization's scope."""

    def __init__(self, organization: Organization, query: dict[str, str]) -> None:
        organization.require(Feature.EVERY_DIMENSION)
        self.organization, self.query = organization, query
        self.filters = {name: query[name] for name in FILTERS if query.get(name)}
        self.sought = query.get("run", "")  # the id of a run that is not there

    @cached_property
    def page(self) -> Page:
        try:
            after, before = (self.query.get(name, "") for name in ("after", "before"))
            return page(self.organization, self.filters, after=after, before=before)
        except Foreign:  # of another list, or written by hand: the first page
            return page(self.organization, self.filters)

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
    def chips(self) -> list[tuple[str, str, str]]:
        """Each filter, and the address without it."""
        return [
            (name.capitalize(), value, f"?{urlencode({k: v for k, v in self.filters.items() if k != name})}")
            for name, value in self.filters.items()
        ]

    @property
    def next(self) -> str:
        return f"?{urlencode(self.filters | {'after': self.page.after})}" if self.page.after else ""

    @property
    def previous(self) -> str:
        return f"?{urlencode(self.filters | {'before': self.page.before})}" if self.page.before else ""


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
        others: dict[str, Decimal] = {}
        for call in self.calls:
            if call.currency and call.amount is not None and not call.is_parent:
                others[call.currency] = others.get(call.currency, Decimal(0)) + call.amount
        return Sums(cost=self.run.amount, others=others, unpriced_calls=self.run.unpriced_calls)

    @cached_property
    def took_ms(self) -> int | None:
        """To the end of the last call where all are at hand, else to its beginning; None where none told."""
        if self.missing_note:
            return self.run.took_ms if self.run.calls > 1 else None
        ends = [call.occurred_at + timedelta(milliseconds=call.latency_ms or 0) for call in self.calls]
        took = max(ends) - min(call.occurred_at for call in self.calls)
        return took // timedelta(milliseconds=1) or None

    @property
    def took_note(self) -> str:
        if self.took_ms is None:
            return "No call told how long it took."
        return "From the first call to the last" if self.missing_note else "From the first call to the end of the last"

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
        if not self.calls:
            days = self.organization.event_days
            return f"Single calls are kept for {days} days. What this run's added up to stays above."
        return f"{money.exact(shown)} of {money.exact(self.run.calls)} calls are shown, the first in time."
