"""The marks of a connection's reading: which windows there are, which is next, and when to look again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from providers import outcomes, plan
from providers.connectors.base import Connector, Endpoint, Outcome
from providers.models import Connection, EndpointState, ReadWindow
from providers.outcomes import EndpointNow, Tries
from providers.plan import Stretch
from tokentra.lib.ids import uuid7

NAMES, NAMES_LABEL = "names", "Names of projects, keys and people"
NAMES_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Marks:
    """All windows and endpoint states of one connection as they are now."""

    connection: Connection
    connector: Connector
    windows: tuple[ReadWindow, ...]
    states: Mapping[str, EndpointState]

    @classmethod
    def of(cls, connection: Connection, connector: Connector) -> "Marks":
        windows = ReadWindow.objects.of(connection)
        states = EndpointState.objects.filter(organization_id=connection.organization_id, connection=connection)
        return cls(connection, connector, tuple(windows), {state.endpoint: state for state in states})

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return endpoints(self.connection, self.connector)

    def next(self, now: datetime) -> tuple[ReadWindow, Endpoint] | None:
        """The window to read now: the newest days of every endpoint first."""
        today = now.date()
        due = [
            (plan.rank(stretch(window), position, today=today), window, endpoint)
            for position, endpoint in enumerate(self.endpoints)
            if not self._waits(endpoint.name, now)
            for window in self._of(endpoint)
            if window.due_at and window.due_at <= now
        ]
        if not due:
            return None
        _, window, endpoint = min(due, key=lambda each: each[0])
        return window, endpoint

    def are_names_due(self, now: datetime, upcoming: ReadWindow | None) -> bool:
        """Once a day, after what is newest of each endpoint, so that figures come before their names."""
        connection = self.connection
        if self._waits(NAMES, now) or connection.last_sync_at is None:
            return False
        if upcoming and stretch(upcoming).end > now.date() and upcoming.read_at is None:
            return False
        return connection.names_read_at is None or connection.names_read_at + NAMES_EVERY <= now

    def next_mark(self) -> datetime | None:
        """When there is something to do again."""
        marks = [
            self._not_before(endpoint.name, window.due_at)
            for endpoint in self.endpoints
            for window in self._of(endpoint)
            if window.due_at
        ]
        read = self.connection.names_read_at
        if self.connection.last_sync_at:
            marks.append(self._not_before(NAMES, read + NAMES_EVERY if read else self.connection.last_sync_at))
        return min(marks) if marks else None

    def status(self, now: datetime) -> str:
        blocked = self.connection.blocked
        return outcomes.status(
            [self._state(endpoint, now.date()) for endpoint in self.endpoints] + self._others(),
            is_refused=blocked == "refused",
            is_slowed=blocked == "slowed",
            has_read=any(w.read_at and w.read_at >= self.connection.key_set_at for w in self.windows),
        )

    def is_all_read(self) -> bool:
        """The whole first history of every endpoint that the credential may read."""
        readable = [e.name for e in self.endpoints if tries(self.states.get(e.name)).may_be_read]
        return all(window.read_at for window in self.windows if window.endpoint in readable)

    def _of(self, endpoint: Endpoint) -> Iterable[ReadWindow]:
        return (window for window in self.windows if window.endpoint == endpoint.name)

    def _state(self, endpoint: Endpoint, today: date) -> EndpointNow:
        mine = list(self._of(endpoint))
        # once all is read, a window that begins today is today's work, not a first sync
        begun = plan.midnight(today if self.connection.first_read_at else date.max)
        unread = [window for window in mine if window.read_at is None and window.start < begun]
        return EndpointNow(
            tries(self.states.get(endpoint.name)),
            endpoint.essential,
            unread=sum(1 for window in unread if window.due_at and not window.problem),
            incomplete=sum(1 for window in mine if window.problem),
        )

    def _others(self) -> list[EndpointNow]:
        """What is not read in windows: the names, and endpoints that the key was refused at."""
        read = {endpoint.name for endpoint in self.endpoints}
        others = [state for name, state in self.states.items() if name not in read]
        return [EndpointNow(tries(state), is_essential=False, unread=0) for state in others]

    def _waits(self, endpoint: str, now: datetime) -> bool:
        return self._not_before(endpoint, now) > now

    def _not_before(self, endpoint: str, at: datetime) -> datetime:
        state = self.states.get(endpoint)
        others = (state.retry_at if state else None, self.connection.wait_until)
        return max([at, *(other for other in others if other)])


def endpoints(connection: Connection, connector: Connector) -> tuple[Endpoint, ...]:
    """What is read of this account with this key."""
    return connector.endpoints_for(frozenset(connection.capabilities))


def stretch(window: ReadWindow) -> Stretch:
    return Stretch(window.start.date(), window.end.date())


def tries(state: EndpointState | None) -> Tries:
    if state is None or not state.outcome:
        return Tries()
    return Tries(Outcome(state.outcome), state.failures, state.failing_since, state.retry_at, state.last_success_at)


def extend(connection: Connection, connector: Connector, *, now: datetime) -> None:
    """Give the connection every window that it should have by now; those that exist stay as they are."""
    today = now.date()
    earliest = dict(
        EndpointState.objects.filter(organization_id=connection.organization_id, connection=connection).values_list(
            "endpoint", "earliest"
        )
    )
    have = set(ReadWindow.objects.of(connection).values_list("endpoint", "start"))
    wanted = [
        ReadWindow(
            organization_id=connection.organization_id,
            connection=connection,
            endpoint=endpoint.name,
            start=plan.midnight(each.start),
            end=plan.midnight(each.end),
            due_at=now,
        )
        for endpoint in endpoints(connection, connector)
        for each in plan.stretches(endpoint, since=connection.history_from, today=today)
        if each.cut(earliest=earliest.get(endpoint.name), today=today).days
        and (endpoint.name, plan.midnight(each.start)) not in have
    ]
    ReadWindow.objects.bulk_create(wanted, ignore_conflicts=True)


def make_due(connection: Connection, *, now: datetime, since: date | None = None) -> None:
    """Read every window again, or those that reach past a day; waits and parked problems end."""
    mine = ReadWindow.objects.of(connection)
    if since:
        mine = mine.filter(end__gt=plan.midnight(since))
    mine.update(due_at=now, tries=0)
    end_waits(connection)


def end_waits(connection: Connection) -> None:
    """Ask every endpoint again, also those that were to be left alone for a while."""
    states = EndpointState.objects.filter(organization_id=connection.organization_id, connection=connection)
    states.exclude(outcome=Outcome.OK).update(retry_at=None)


def halve(connection: Connection, endpoint: str, days: int, *, now: datetime) -> bool:
    """So many days at once proved too many: every window of as many that is read again becomes two."""
    mine = ReadWindow.objects.of(connection).filter(endpoint=endpoint, due_at__isnull=False)
    made = 0
    for window in mine:
        parts = stretch(window).halves(today=now.date())
        if parts is None or stretch(window).cut(earliest=None, today=now.date()).days < days:
            continue
        earlier, later = parts
        window.end = plan.midnight(earlier.end)
        window.save(update_fields=["end"])
        window.pk, window._state.adding = uuid7(), True
        window.start, window.end, window.rows = plan.midnight(later.start), plan.midnight(later.end), 0
        window.left_out = 0
        window.save(force_insert=True)
        made += 1
    return made > 0


def clamp(connection: Connection, endpoint: Endpoint, earliest: date) -> None:
    """The provider names its first day: windows before it are not wanted any more."""
    EndpointState.objects.filter(
        organization_id=connection.organization_id, connection=connection, endpoint=endpoint.name
    ).update(earliest=earliest)
    before = ReadWindow.objects.of(connection).unread().filter(endpoint=endpoint.name)
    before.filter(end__lte=plan.midnight(earliest)).delete()
