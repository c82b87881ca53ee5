"""One step of reading a connection: claim it, read windows for some seconds, leave a mark for the next."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError

from providers import pausing, recording, sealing, unfinished, windows
from providers.claiming import Claim, Superseded, claim, hold
from providers.connectors import CONNECTORS
from providers.connectors.base import Connector, ConnectorError, Endpoint, Outcome, Page
from providers.connectors.calling import NotEnoughTime
from providers.models import ReadWindow
from providers.unfinished import Answers
from tokentra.lib import chaos, http
from tokentra.lib.crypto import DoesNotOpen, UnknownMaster
from tokentra.lib.masking import mask
from tokentra.lib.sampling import Heard
from tokentra.lib.secret import Secret
from tokentra.lib.tenancy import organization_scope

log = logging.getLogger(__name__)

# A step is over within twenty seconds (decisions.md 18): nothing is begun after ten, no call goes on after
# twelve, and what has come is written in the rest or, when it is too much for that, at the beginning of the next.
READING_SECONDS, CALLS_SECONDS, STEP_SECONDS = 10.0, 12.0, 20.0
ROWS_A_SECOND = 2_000  # that are written for the first time, on two busy cores


@dataclass
class Step:
    """What one step did. `is_more` asks for another one at once."""

    started_at: datetime
    ended_at: datetime
    windows: int = 0
    rows: int = 0
    outcome: str = "ok"
    problem: str = ""
    is_more: bool = False


def step(organization_id: UUID, connection_id: UUID, *, now: datetime | None = None) -> Step | None:
    """Read what is due for some seconds. None when nothing is due, or another holds the connection.

    `now` replaces the database's clock.
    """
    taken = claim(organization_id, connection_id, now=now)
    if taken is None:
        return None
    chaos.point("sync.after_claim")
    done = Step(taken.now, taken.now)
    try:
        reader = opened(taken)
        if reader is not None:
            host, provider = reader.connector.host, reader.connector.key
            with http.client(host, provider=provider, deadline=reader.began + CALLS_SECONDS) as client:
                reader.read_for(READING_SECONDS, client, done)
            done.ended_at = reader.now()
        done.is_more = recording.leave(taken, done)
    except Superseded:
        log.info("the sync of connection %s was taken over or stopped", connection_id)
        done.outcome = "superseded"
    return done


def opened(taken: Claim) -> "Reader | None":
    """What reading needs: the connector and the credentials in clear. None when they cannot be opened."""
    with organization_scope(taken.organization_id):
        connection = hold(taken)
        connector = CONNECTORS[connection.provider]
        try:
            credentials = sealing.unseal(connection)
        except (DoesNotOpen, UnknownMaster) as reason:
            log.error("the key of connection %s could not be read: %s", connection.pk, type(reason).__name__)
            pausing.stop(connection, "key_unreadable", now=taken.now)
            return None
        windows.extend(connection, connector, now=taken.now)
    return Reader(taken, connector, credentials)


@dataclass(frozen=True, slots=True)
class Work:
    """A window of an endpoint with the days to ask for, or the names; and what was answered before.

    `is_first`: it has a whole step for itself.
    """

    name: str
    answers: Answers
    is_first: bool
    window: ReadWindow | None = None
    endpoint: Endpoint | None = None
    wanted: recording.Range | None = None


@dataclass
class Reader:
    claim: Claim
    connector: Connector
    credentials: Mapping[str, Secret]
    began: float = field(default_factory=time.monotonic)

    def read_for(self, seconds: float, client: http.Client, done: Step) -> None:
        """Read one thing after the other, at least one."""
        is_first = True
        while (work := self._choose(is_first=is_first)) and self._do(work, client, done):
            is_first = False
            if time.monotonic() - self.began >= seconds:
                return

    def _choose(self, *, is_first: bool) -> Work | None:
        now = self.now()
        with organization_scope(self.claim.organization_id):
            connection = hold(self.claim)
            marks = windows.Marks.of(connection, self.connector)
            upcoming = marks.next(now)
            if marks.are_names_due(now, upcoming[0] if upcoming else None):
                return Work(windows.NAMES, unfinished.load(connection, windows.NAMES, now=now), is_first)
            if upcoming is None:
                return None
            window, endpoint = upcoming
            answers = unfinished.load(connection, f"{endpoint.name} {window.start:%Y-%m-%d}", now=now)
            wanted = recording.wanted(marks, window, now=now)
            return Work(endpoint.name, answers, is_first, window, endpoint, wanted)

    def _do(self, work: Work, client: http.Client, done: Step) -> bool:
        """Read one window, or the names; False when the connection has to wait, or the time is over."""
        client.memory, client.heard = work.answers, Heard()
        try:
            if work.window and work.endpoint:
                self._read_window(work, work.window, work.endpoint, client, done)
            else:
                self._read_names(work, client)
        except (Superseded, OperationalError, InterfaceError):
            raise  # nothing can be written down, or nothing is ours to write
        except Exception as reason:  # one endpoint that we stumble over must not keep the others from being read
            if isinstance(reason, NotEnoughTime) and (work.answers.new or not work.is_first):
                self._set_aside(work)
                return False
            error = reason if isinstance(reason, ConnectorError) else unexpected(reason)
            log.warning("%s %s: %s", self.connector.key, work.name, error.outcome)
            done.outcome, done.problem = str(error.outcome), error.message
            with organization_scope(self.claim.organization_id):
                if isinstance(reason, NotEnoughTime) and work.wanted:
                    recording.halve(self.claim, work.name, work.wanted, work.answers, now=self.now())
                return recording.failure(
                    self.claim,
                    self.connector,
                    work.name,
                    work.window,
                    error,
                    answers=work.answers,
                    sample=client.heard.sample() if error.is_puzzling else "",
                    now=self.now(),
                )
        return True

    def _read_window(self, work: Work, window: ReadWindow, endpoint: Endpoint, client: http.Client, done: Step) -> None:
        if work.wanted is None:
            return
        page = self.connector.read(client, self.credentials, endpoint, *work.wanted, now=work.answers.began_at)
        chaos.point("sync.after_read")
        if not self._has_time_to_write(page):
            if not work.is_first:
                raise NotEnoughTime(Outcome.PROVIDER_DOWN, "So many rows are written in a step of their own.")
            with organization_scope(self.claim.organization_id):
                if recording.halve(self.claim, endpoint.name, work.wanted, work.answers, now=self.now()):
                    return
        with organization_scope(self.claim.organization_id):
            rows = recording.reading(
                self.claim,
                self.connector,
                window,
                endpoint,
                page,
                asked=work.wanted,
                answers=work.answers,
                sample="" if page.odd is None else replace(client.heard, body=page.odd).sample(),
            )
            chaos.point("sync.before_commit")
        chaos.point("sync.after_commit")
        done.windows += 1
        done.rows += rows

    def _read_names(self, work: Work, client: http.Client) -> None:
        account = self.connector.identify(client, self.credentials, now=work.answers.began_at)
        names = self.connector.names(client, self.credentials)
        with organization_scope(self.claim.organization_id):
            recording.account(self.claim, self.connector, account, names, answers=work.answers)

    def _set_aside(self, work: Work) -> None:
        with organization_scope(self.claim.organization_id):
            recording.set_aside(self.claim, self.connector, work.answers, now=self.now())
            chaos.point("sync.before_set_aside")
        chaos.point("sync.after_set_aside")

    def _has_time_to_write(self, page: Page) -> bool:
        return len(page.rows) <= ROWS_A_SECOND * (STEP_SECONDS - (time.monotonic() - self.began))

    def now(self) -> datetime:
        return self.claim.now + timedelta(seconds=time.monotonic() - self.began)


def unexpected(reason: Exception) -> ConnectorError:
    """Rows that do not belong into their window, or whatever else nobody has thought of."""
    message = "The provider's answer does not fit what was asked."
    if not isinstance(reason, ValueError):
        log.error("reading broke: %s", type(reason).__name__, exc_info=reason)
        message = "What the provider answered could not be written down. It is tried again."
    return ConnectorError(Outcome.UNEXPECTED, message, detail=mask(str(reason)))
