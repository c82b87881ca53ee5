"""Which spans repeat what spans below them tell: a framework's around a client's. Only the lowest ones count.

Spans end, and are sent, from below to above, often in different requests. So each call remembers the next span above
it that has not come yet; when that comes, the call waits for the next one, until one above is a call as well. Where
the one above came first and was counted, it is taken out of the sums again. What a tool does is no part of the call
that asked for the tool.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.utils import CursorWrapper

from tokentra.lib.tenancy import name_within
from usage.measuring import retracting
from usage.measuring.otlp.calls import Told
from usage.measuring.reading import Read, hashed

DAY = timedelta(days=1)
BUCKETS = 32  # of traces: requests that tell of one trace follow one another
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name"
WAITING = """
SELECT day, id, above FROM usage_event
WHERE organization_id = %(organization)s AND above = ANY(%(ids)s) AND day BETWEEN %(first)s AND %(last)s"""
STORED = """
SELECT day, id FROM usage_event
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND day = ANY(%(days)s) AND is_parent IS NOT TRUE"""
MOVE = """
UPDATE usage_event SET above = moved.above
FROM unnest(%(days)s::date[], %(ids)s::uuid[], %(above)s::uuid[]) AS moved (day, id, above)
WHERE organization_id = %(organization)s AND usage_event.day = moved.day AND usage_event.id = moved.id"""


@dataclass(frozen=True, slots=True)
class Node:
    above: UUID | None
    is_tool: bool
    is_total: bool


def named(ref: str) -> UUID:
    """The id of the event that a span would be."""
    return hashed(ref.encode())


@dataclass
class Families:
    """The spans of one request, calls and others."""

    organization_id: UUID
    told: Iterable[Told]
    nodes: dict[UUID, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.traces = set()
        for each in self.told:
            above = named(each.span.above) if each.span.above else None
            self.nodes[named(each.span.ref)] = Node(above, each.is_tool, each.is_total)
            self.traces.add(int(each.span.trace[-4:], 16) % BUCKETS)

    def settle(self, reads: Sequence[Read], *, zone: ZoneInfo, now: datetime) -> None:
        """Say of each which one it waits for and whether it repeats others; inside the organization's scope.

        What is held already and now turns out to repeat others is taken out of the sums.
        """
        if not self.nodes:
            return
        calls = {UUID(read.id): read for read in reads}
        days = {read.day for read in reads} | {now.date()}
        first, last = min(days) - DAY, max(days) + DAY
        scope: dict[str, Any] = {"organization": self.organization_id, "first": first, "last": last}
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [[name_within(self.organization_id, f"traces {n}") for n in sorted(self.traces)]])
            cursor.execute(WAITING, scope | {"ids": list(self.nodes)})
            waiting = cursor.fetchall()
            for read in reads:
                id = UUID(read.id)
                read.is_parent = self.nodes[id].is_total
                read.above = self.next_above(self.nodes[id].above, calls, below=id)
            moved = {(day, id): self.next_above(above, calls, below=id) for day, id, above in waiting}
            awaited = {above for above in moved.values() if above} | {read.above for read in reads if read.above}
            for id in awaited & calls.keys():
                calls[id].is_parent = True
            before = {(day, id): above for day, id, above in waiting}
            self._move(cursor, {key: above for key, above in moved.items() if above != before[key]})
            counted = self._counted(cursor, scope, awaited) if awaited else []
        if counted:
            retracting.take_back(self.organization_id, counted, zone=zone, now=now)

    def _counted(self, cursor: CursorWrapper, scope: Mapping[str, Any], ids: Iterable[UUID]) -> list[tuple[date, UUID]]:
        """Those of these events that are held and not yet said to repeat others."""
        days = [scope["first"] + n * DAY for n in range((scope["last"] - scope["first"]).days + 1)]
        cursor.execute(STORED, {**scope, "ids": list(ids), "days": days})
        found: list[tuple[date, UUID]] = cursor.fetchall()
        return found

    def next_above(self, at: UUID | None, calls: Mapping[UUID, Read], *, below: UUID) -> UUID | None:
        """From a span upwards: the first that is a call, or that has not come; None at the top and at a tool."""
        seen = {below}
        while at is not None and at in self.nodes and at not in calls:
            node = self.nodes[at]
            if node.is_tool or at in seen:
                return None
            seen.add(at)
            at = node.above
        return None if at == below else at

    def _move(self, cursor: CursorWrapper, changed: Mapping[tuple[date, UUID], UUID | None]) -> None:
        if changed:
            days, ids = zip(*changed, strict=True)
            params = {"days": list(days), "ids": list(ids), "above": list(changed.values())}
            cursor.execute(MOVE, params | {"organization": self.organization_id})
