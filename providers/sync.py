"""One step of reading a connection: claim it, read windows for some seconds, leave a mark for the next."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError

from providers import pausing, recording, sealing, windows
from providers.claiming import LEASE, Claim, Superseded, claim, hold
from providers.connectors import CONNECTORS
from providers.connectors.base import Connector, ConnectorError, Endpoint, Outcome
from providers.models import ReadWindow
from tokentra.lib import chaos, http
from tokentra.lib.crypto import DoesNotOpen, UnknownMaster
from tokentra.lib.masking import mask
from tokentra.lib.secret import Secret
from tokentra.lib.tenancy import organization_scope

log = logging.getLogger(__name__)

READING_SECONDS = 10.0  # no window is begun later than this
WINDOW_SECONDS = min(40.0, LEASE.total_seconds() - 15)  # the whole step, for a large window; the lease outlives it


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
            with http.client(host, provider=provider, deadline=reader.began + WINDOW_SECONDS) as client:
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
    """A window of an endpoint with the days to ask for, or the names."""

    name: str
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
        while (work := self._choose()) and self._do(work, client, done):
            if time.monotonic() - self.began >= seconds:
                return

    def _choose(self) -> Work | None:
        now = self.now()
        with organization_scope(self.claim.organization_id):
            marks = windows.Marks.of(hold(self.claim), self.connector)
            upcoming = marks.next(now)
            if marks.are_names_due(now, upcoming[0] if upcoming else None):
                return Work(windows.NAMES)
            if upcoming is None:
                return None
            window, endpoint = upcoming
            return Work(endpoint.name, window, endpoint, recording.wanted(marks, window, now=now))

    def _do(self, work: Work, client: http.Client, done: Step) -> bool:
        """Read one window, or the names; False when the connection has to wait."""
        try:
            if work.window and work.endpoint:
                self._read_window(work.window, work.endpoint, work.wanted, client, done)
            else:
                self._read_names(client)
        except (Superseded, OperationalError, InterfaceError):
            raise  # nothing can be written down, or nothing is ours to write
        except Exception as reason:  # one endpoint that we stumble over must not keep the others from being read
            error = reason if isinstance(reason, ConnectorError) else unexpected(reason)
            log.warning("%s %s: %s", self.connector.key, work.name, error.outcome)
            done.outcome, done.problem = str(error.outcome), error.message
            with organization_scope(self.claim.organization_id):
                return recording.failure(self.claim, self.connector, work.name, work.window, error, now=self.now())
        return True

    def _read_window(
        self,
        window: ReadWindow,
        endpoint: Endpoint,
        wanted: recording.Range | None,
        client: http.Client,
        done: Step,
    ) -> None:
        if wanted is None:
            return
        now = self.now()
        page = self.connector.read(client, self.credentials, endpoint, *wanted, now=now)
        chaos.point("sync.after_read")
        with organization_scope(self.claim.organization_id):
            rows = recording.reading(self.claim, self.connector, window, endpoint, page, asked=wanted, now=now)
            chaos.point("sync.before_commit")
        chaos.point("sync.after_commit")
        done.windows += 1
        done.rows += rows

    def _read_names(self, client: http.Client) -> None:
        account = self.connector.identify(client, self.credentials, now=self.now())
        names = self.connector.names(client, self.credentials)
        with organization_scope(self.claim.organization_id):
            recording.account(self.claim, self.connector, account, names, now=self.now())

    def now(self) -> datetime:
        return self.claim.now + timedelta(seconds=time.monotonic() - self.began)


def unexpected(reason: Exception) -> ConnectorError:
    """Rows that do not belong into their window, or whatever else nobody has thought of."""
    message = "The provider's answer does not fit what was asked."
    if not isinstance(reason, ValueError):
        log.error("reading broke: %s", type(reason).__name__, exc_info=reason)
        message = "What the provider answered could not be written down. It is tried again."
    return ConnectorError(Outcome.UNEXPECTED, message, detail=mask(str(reason)))
