"""Which spans repeat what spans below them tell: a framework's around a client's. Only the lowest ones count.

Spans end, and are sent, from below to above, often in different requests. So each call remembers the next span above
it that has not come yet; when that comes, the call waits for the next one, until one above is a call as well. Where
the one above came first and was counted, it is taken out of the sums again. A call that tells no usage, and has none
below it that does, is repeated by nobody: the one above counts. What a tool does is no part of the call that asked for
the tool.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from msgspec import Struct
from psycopg import ClientCursor

from usage.measuring import retracting, statements
from usage.measuring.around import Around
from usage.measuring.otlp.telling import Told
from usage.measuring.reading import LATE, Read, hashed
from usage.measuring.storing import counts_of
from usage.measuring.transactions import traces_of

DAY = timedelta(days=1)
SECOND = 10**9  # in nanoseconds
MOST_TRACES = 128  # that a request locks one by one; the database has room for some thousands at once
KEYS = 2**64  # as many as the database tells apart
OPEN_EACH = "EXECUTE tt_open_each (%(organization)s, %(traces)s, %(keys)s::bigint[])"
OPEN_ALL = "EXECUTE tt_open_all (%(organization)s, %(traces)s)"
BELOW = "EXECUTE tt_below (%(organization)s, %(ids)s::uuid[], %(first)s, %(last)s)"
COUNTED = "EXECUTE tt_counted (%(organization)s, %(ids)s::uuid[], %(first)s, %(last)s)"
MOVE = "EXECUTE tt_move (%(organization)s, %(days)s::date[], %(ids)s::uuid[], %(above)s::uuid[])"


class Node(Struct):
    above: str | None
    told: Told


def array(items: Iterable[object]) -> str:
    """Of ids, days or numbers, as the database reads it."""
    return f"{{{','.join(map(str, items))}}}"


def span_of(told: Iterable[Told], now: datetime) -> tuple[date, date]:
    """The first and the last day on which others of their families are looked for.

    What lies below a span began after it, be it a call or none, and no event is older than those that are accepted.
    """
    began = min((each.span.start // SECOND for each in told if each.span.start), default=now.timestamp())
    first = min(max(began, (now - settings.OLDEST_EVENT).timestamp()), now.timestamp())
    return datetime.fromtimestamp(first, UTC).date() - DAY, (now + LATE).date() + DAY


def tells(read: Read) -> bool:
    """Whether what is above repeats it, as `around.TELLS` has it of what is held."""
    return read.is_parent or (read.sent.tokens is not None and any(counts_of(read.sent.tokens)))


def repeating(told: Iterable[str], above: Mapping[str, str | None]) -> set[str]:
    """What stands above those that tell usage, however far."""
    found: set[str] = set()
    for each in told:
        at = above.get(each)
        while at is not None and at not in found:
            found.add(at)
            at = above.get(at)
    return found


def named(ref: str) -> str:
    """The id of the event that a span would be."""
    return hashed(ref.encode())


@dataclass
class Families:
    """The spans of one request, calls and others."""

    organization_id: UUID
    told: Collection[Told]
    nodes: dict[str, Node] = field(default_factory=dict)  # by the id of the event that each would be
    keys: Sequence[int] = ()  # of their traces, in order
    leads: dict[str, str | None] = field(default_factory=dict)  # where those lead that are no calls, as far as is known

    def keys_of(self, traces: Iterable[str]) -> list[int]:
        """By which the database locks traces of this organization, in 64 bits with a sign, in order."""
        own = self.organization_id.int % KEYS
        return sorted({(int(trace[-16:], 16) ^ own) - KEYS // 2 for trace in traces})

    def around(self, reads: Sequence[Read], *, now: datetime) -> Around | None:
        """Say of each what these spans alone tell of it; None where they tell nothing.

        That holds as far as nothing is there that `settle` would have to look at.
        """
        if not self.told:
            return None
        self._place({read.ref: read.id for read in reads if read.ref})
        calls = {read.id: read for read in reads}
        for read in reads:
            node = self.nodes[read.id]
            read.is_parent = node.told.is_total
            if node.above:
                read.above = self.next_above(node.above, calls, below=read.id)
        above = {read.id: read.above for read in reads if read.above}
        repeat = repeating((read.id for read in reads if read.above and tells(read)), above)
        for id in repeat & calls.keys():
            calls[id].is_parent = True
        first, last = span_of(self.told, now)
        opens = [str(self.organization_id), traces_of(self.organization_id)]
        free = [first.isoformat(), last.isoformat(), array(sorted(self.nodes))]  # not sorted in each part of the table
        return Around(
            ("tt_open_each", [*opens, array(self.keys)]) if self.are_few else ("tt_open_all", opens),
            ("tt_store_families", [*free, array(repeat)]) if repeat else ("tt_store_spans", free),
        )

    def settle(self, reads: Sequence[Read], *, now: datetime) -> None:
        """Say of each, after `around`, which one it waits for and whether it repeats others; inside the organization's
        scope.

        What is held already and now turns out to repeat others is taken out of the sums.
        """
        if not self.told:
            return
        calls = {read.id: read for read in reads}
        first, last = span_of(self.told, now)
        scope = {"organization": self.organization_id, "first": first, "last": last}
        with ClientCursor(connection.connection) as own, connection.wrap_database_errors:
            statements.prepare(own)
            waiting = self._waiting(own, scope)
            moved = {(day, id): self.next_above(at, calls, below=id) for day, id, at, _ in waiting}
            self._move(own, {(day, id): moved[day, id] for day, id, at, _ in waiting if moved[day, id] != at})
            above = {read.id: read.above for read in reads} | {id: at for (_, id), at in moved.items()}
            counted = self._counted(own, scope, {at for at in above.values() if at})
        above = {id: at for _, id, at in counted} | above
        told = {read.id for read in reads if tells(read)} | {id for _, id, _, tells_usage in waiting if tells_usage}
        repeat = repeating(told, above)
        for id in repeat & calls.keys():
            calls[id].is_parent = True
        if taken := [(day, UUID(id)) for day, id, _ in counted if id in repeat]:
            retracting.take_back(self.organization_id, taken, now=now)

    def _place(self, known: Mapping[str, str]) -> None:
        """`known` are the ids of some of them by what their senders call them."""
        for each in self.told:
            ref, above = each.span.ref, each.span.above
            node = Node((known.get(above) or named(above)) if above else None, each)
            self.nodes[known.get(ref) or named(ref)] = node
        self.keys = self.keys_of(each.span.trace for each in self.told)

    @property
    def are_few(self) -> bool:
        """Traces that are locked one by one."""
        return len(self.keys) <= MOST_TRACES

    def _waiting(self, own: ClientCursor[Any], scope: Mapping[str, Any]) -> list[tuple[date, str, str, bool]]:
        """Events by day and id that wait for one of these, once nobody else tells of their traces; and whether each
        tells usage."""
        traces = traces_of(self.organization_id)
        params = {**scope, "ids": array(self.nodes), "keys": array(self.keys), "traces": traces}
        found = statements.by_key(own, f"{OPEN_EACH if self.are_few else OPEN_ALL};{BELOW}", params)
        return [(day, str(id), str(above), tells_usage) for day, id, above, tells_usage in found]

    def _counted(
        self, own: ClientCursor[Any], scope: Mapping[str, Any], ids: Collection[str]
    ) -> list[tuple[date, str, str | None]]:
        """Those of them that are held and count, by day and id with what each waits for; and those above them that
        would repeat what is below."""
        found = statements.by_key(own, COUNTED, {**scope, "ids": array(ids)}) if ids else []
        return [(day, str(id), str(above) if above else None) for day, id, above in found]

    def next_above(self, at: str | None, calls: Mapping[str, Read], *, below: str) -> str | None:
        """From a span upwards: the first that is a call, or that has not come; None at the top and at a tool.

        `calls` are the same each time: where a span leads is found once.
        """
        passed = []
        while at is not None and at in self.nodes and at not in calls and at not in self.leads:
            passed.append(at)
            self.leads[at] = None  # whoever comes here again went in a circle
            node = self.nodes[at]
            at = None if node.told.is_tool else node.above
        found = self.leads.get(at, at) if at else None
        self.leads |= dict.fromkeys(passed, found)
        return None if found == below else found

    def _move(self, own: ClientCursor[Any], changed: Mapping[tuple[date, str], str | None]) -> None:
        if changed:
            days, ids = zip(*changed, strict=True)
            above = array(each or "NULL" for each in changed.values())
            params = {"days": array(days), "ids": array(ids), "above": above}
            statements.by_key(own, MOVE, params | {"organization": self.organization_id})
