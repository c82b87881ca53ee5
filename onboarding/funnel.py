"""The funnel's figures: what staff ask for in the URL, and a handful of queries that answer it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db import connections
from django.db.transaction import atomic
from django.http import QueryDict

from accounts.demonstration import EMAIL
from accounts.journal import Event
from accounts.staff import STAFF
from onboarding.funnel_sql import COUNTED, INVITED, PEOPLE, SIGNUPS
from onboarding.funnel_steps import QUIET, QUIET_DAYS, STEPS, TARGETS, USES, By
from tokentra.lib.periods import PRESETS, Grain
from usage.forms import Lens, Segment, look

OFFERED = ("7d", "30d", "90d", "month", "last_month")
JUDGED = tuple(target.key for target in TARGETS if target.above)


class Ask:
    """Which sign-ups, until when, and how long somebody may be silent before they count as gone."""

    def __init__(self, query: QueryDict, now: datetime) -> None:
        self.now = now
        self.lens: Lens = look(query, now, "days")
        wanted = query.get("days", str(QUIET))
        self.days = int(wanted) if wanted in {str(each) for each in QUIET_DAYS} else QUIET

    @property
    def grain(self) -> Grain:
        days = len(self.lens.period.days)
        return Grain.DAY if days <= 14 else Grain.WEEK if days <= 200 else Grain.MONTH

    @property
    def params(self) -> dict[str, Any]:
        period = self.lens.period
        quiet = self.now - timedelta(days=self.days)
        return {
            "start": period.start,
            "since": period.start,
            "end": period.end,
            "now": self.now,
            "quiet": quiet,
            "grain": self.grain.value,
            "demo": EMAIL,
            "invited": False,
        }

    @property
    def pairs(self) -> list[tuple[str, str]]:
        lens = self.lens
        span = [("from", f"{lens.period.first_day}"), ("to", f"{lens.period.last_day}")]
        return [*(span if lens.is_custom else [("period", lens.period.preset)]), ("days", str(self.days))]

    def query(self, **more: str) -> str:
        return urlencode([*self.pairs, *more.items()])

    @property
    def presets(self) -> list[Segment]:
        offered = [each for each in PRESETS if each.key in OFFERED]
        rest = {"days": str(self.days)}
        return [
            Segment(each.label, f"?{urlencode({'period': each.key} | rest)}", each.key == self.lens.period.preset)
            for each in offered
        ]


@dataclass(frozen=True)
class Verdict:
    """How many people met a target, of those that can be judged, and how many came too recently."""

    met: int
    judged: int
    recent: int


@dataclass(frozen=True)
class Group:
    """People with something in common: how many reached each step, and how long the way took those who arrived."""

    people: int = 0
    reached: Mapping[str, int] = field(default_factory=dict)
    median: timedelta | None = None
    p90: timedelta | None = None
    connected: int = 0
    to_provider: timedelta | None = None
    dropped: int = 0
    on_way: int = 0
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)

    @property
    def activated(self) -> int:
        return self.reached.get("data", 0)


# nearest rank: each is the time of somebody, not a mean of two people's
MEASURES = ", ".join(
    [
        "count(*)",
        *(f"count({step.key})" for step in STEPS),
        "count(connected)",
        "percentile_disc(0.5) WITHIN GROUP (ORDER BY data - signup)",
        "percentile_disc(0.9) WITHIN GROUP (ORDER BY data - signup)",
        "percentile_disc(0.5) WITHIN GROUP (ORDER BY connected - signup)",
        "count(*) FILTER (WHERE state = 'dropped')",
        "count(*) FILTER (WHERE state = 'on_way')",
        *(f"count(*) FILTER (WHERE {key} = '{answer}')" for key in JUDGED for answer in ("yes", "no", "recent")),
    ]
)
GROUPS = f"""{PEOPLE}
SELECT CASE {" ".join(f"WHEN GROUPING({by}) = 0 THEN '{by}'" for by in By)} END,
    COALESCE({", ".join(f"{by}::text" for by in By)}), {MEASURES}
FROM people GROUP BY GROUPING SETS ((), {", ".join(f"({by})" for by in By)})
"""  # noqa: S608  # names of ours
USED = f"""
WITH counted AS (SELECT DISTINCT s.organization_id {SIGNUPS} WHERE {COUNTED} AND NOT {INVITED})
SELECT first.event, count(*) FROM counted
JOIN accounts_milestone first ON first.organization_id = counted.organization_id AND first.user_id IS NULL
    AND first.at >= %(since)s
WHERE first.event = ANY(%(events)s) GROUP BY first.event
"""  # noqa: S608  # names of ours
INVITEES = f"SELECT count(*) {SIGNUPS} WHERE {COUNTED} AND {INVITED}"
ROOM = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"  # a year of sign-ups is sorted six ways, in memory
LINES = """
SELECT event, count(*), max(at) FROM accounts_journalentry WHERE at >= %(start)s AND at < %(end)s GROUP BY event
"""


class Report:
    """Everything on the page; each query runs when it is first asked for."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    @cached_property
    def groups(self) -> dict[tuple[By | None, str | None], Group]:
        return {
            (By(by) if by else None, key): group_of(measures)
            for by, key, *measures in rows(GROUPS, self.ask.params)
        }  # fmt: skip

    @property
    def everybody(self) -> Group:
        return self.groups.get((None, None), Group())

    def by(self, dimension: By) -> dict[str, Group]:
        return {key: group for (by, key), group in self.groups.items() if by is dimension and key is not None}

    @cached_property
    def invitees(self) -> int:
        found: int = next(rows(INVITEES, self.ask.params))[0]
        return found

    @cached_property
    def uses(self) -> dict[str, int]:
        """Of the organizations behind these sign-ups, how many have come to use each of USES."""
        return dict(rows(USED, self.ask.params | {"events": [use.event.value for use in USES]}))

    @cached_property
    def lines(self) -> dict[Event, tuple[int, datetime | None]]:
        """Every event there is, with its lines in the range and the last of them; sample workspaces included."""
        found = {event: (count, last) for event, count, last in rows(LINES, self.ask.params)}
        return {event: found.get(event.value, (0, None)) for event in Event}


def group_of(measures: list[Any]) -> Group:
    people, *rest = measures
    counts, rest = rest[: len(STEPS)], rest[len(STEPS) :]
    connected, median, p90, to_provider, dropped, on_way, *answers = rest
    verdicts = {}
    for key in JUDGED:
        yes, no, recent, *answers = answers
        verdicts[key] = Verdict(yes, yes + no, recent)
    reached = dict(zip((step.key for step in STEPS), counts, strict=True))
    return Group(people, reached, median, p90, connected, to_provider, dropped, on_way, verdicts)


def rows(sql: str, params: Mapping[str, Any]) -> Iterator[Any]:
    """Asked as the role that reads across organizations and changes nothing."""
    with atomic(using=STAFF), connections[STAFF].cursor() as cursor:
        cursor.execute(ROOM)
        cursor.execute(sql, dict(params))
        yield from cursor.fetchall()
