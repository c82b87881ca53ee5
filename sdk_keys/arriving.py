"""What came lately with somebody's keys: read often while they set up, so by a handful of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, reduce
from hashlib import sha256
from operator import or_
from uuid import UUID

from django.db.models import Q

from accounts.models import Membership, Organization
from sdk_keys import nearly
from sdk_keys.attempts import REAL, RULES
from sdk_keys.finding import keys_of
from sdk_keys.models import ApiKey, Attempt
from sdk_keys.outcomes import NEARLY, Outcome, outcome_of
from usage.ingest import overrides_of
from usage.measured import Event
from usage.names import Names
from usage.spenders.one_call import OneCall

LATELY = timedelta(hours=1)
PATIENCE = timedelta(seconds=60)
LOOKS_FOR = timedelta(minutes=15)
MOST_KEYS, MOST_SHOWN = 200, 8


@dataclass(frozen=True)
class Arrival:
    """One outcome of a key, as it is shown. `event` is what was stored, while it is kept."""

    at: datetime
    masked: str
    outcome: Outcome
    way: str = ""
    field: str = ""
    said: str = ""
    event: Event | None = None
    is_real: bool = False


class Arriving:
    """Inside the organization's scope. `since` is when they began to wait, `only` the key for which they do."""

    def __init__(
        self, member: Membership, *, now: datetime, since: datetime | None = None, only: UUID | None = None
    ) -> None:
        self.member, self.now, self.since, self.only = member, now, since or now, only

    @cached_property
    def keys(self) -> dict[object, ApiKey]:
        mine = keys_of(self.member)
        return {key.pk: key for key in (mine.filter(pk=self.only) if self.only else mine)[:MOST_KEYS]}

    @cached_property
    def arrivals(self) -> list[Arrival]:
        """The newest first: what came of requests, and keys that are nearly one of theirs."""
        mine = Attempt.objects.owned_by(self.member.organization).filter(key_id__in=list(self.keys))
        rows = list(mine.filter(at__gte=self.now - LATELY).exclude(outcome=RULES).order_by("-at")[:MOST_SHOWN])
        events = self.events_of(rows)
        found = [self.shown(row, events.get((row.event_day, row.event_id))) for row in rows]
        found += [each for each in nearly_keys(list(self.keys.values())) if each.at >= self.now - LATELY]
        return sorted(found, key=lambda each: each.at, reverse=True)[:MOST_SHOWN]

    def events_of(self, rows: Sequence[Attempt]) -> dict[tuple[object, object], Event]:
        """What they stored, as far as it is kept, by one query."""
        wanted = [Q(day=row.event_day, id=row.event_id) for row in rows if row.event_id]
        if not wanted:
            return {}
        held = Event.objects.owned_by(self.member.organization).filter(reduce(or_, wanted))
        return {(event.day, event.id): event for event in held}

    def shown(self, row: Attempt, event: Event | None) -> Arrival:
        masked = self.keys[row.key_id].masked
        is_real = row.outcome in REAL
        return Arrival(row.at, masked, outcome_of(row.outcome), row.way, row.field, row.said, event, is_real)

    @property
    def first_call(self) -> OneCall | None:
        """The newest call that a program of theirs reported; test events are none."""
        event = next((each.event for each in self.arrivals if each.is_real and each.event), None)
        home = self.member.organization
        return OneCall(event, overrides_of(home.pk), Names(home)) if event else None

    @property
    def has_worked(self) -> bool:
        return any(each.is_real for each in self.arrivals)

    @property
    def has_tested(self) -> bool:
        return bool(self.arrivals) and self.arrivals[0].outcome.tone == "good"

    @property
    def is_slow(self) -> bool:
        return not self.arrivals and self.now - self.since >= PATIENCE

    @property
    def looks_on(self) -> bool:
        """Until what came last is a call with nothing to mend about it, and not for ever."""
        is_over = bool(self.arrivals) and self.arrivals[0].is_real and self.arrivals[0].outcome.tone == "good"
        return bool(self.keys) and not is_over and self.now - self.since < LOOKS_FOR

    @property
    def mark(self) -> str:
        """The same while there is nothing new to draw."""
        said = [(each.at.timestamp(), each.outcome.title) for each in self.arrivals]
        return sha256(repr((said, self.is_slow, self.looks_on)).encode()).hexdigest()[:16]


def nearly_keys(keys: Sequence[ApiKey]) -> list[Arrival]:
    """Keys that came and are nobody's, as far as they begin like one of these."""
    found = nearly.like({key.prefix for key in keys})
    return [Arrival(each.at, f"{each.prefix}…", NEARLY[each.fault]) for each in found]


def last_of(organization: Organization, keys: Sequence[ApiKey]) -> list[tuple[ApiKey, list[Attempt]]]:
    """For each key, the latest of each of its outcomes, the newest first; keys that were used last come first."""
    rows = Attempt.objects.owned_by(organization).filter(key_id__in=[key.pk for key in keys]).order_by("-at")
    found: dict[object, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row.key_id, []).append(row)
    used = sorted((key for key in keys if key.pk in found), key=lambda key: found[key.pk][0].at, reverse=True)
    return [(key, found.get(key.pk, [])) for key in [*used, *(key for key in keys if key.pk not in found)]]
