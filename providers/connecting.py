"""A provider is connected: the credentials are tried live, then sealed, and the first sync is due at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import Organization, User
from providers import identity, plan, sealing, unfinished, windows
from providers.claiming import database_now
from providers.connectors.base import Account, Connector, ConnectorError, Credentials, Outcome
from providers.models import Connection, EndpointState, Status
from providers.nudging import nudge
from providers.outcomes import CLOSED
from tokentra.lib import chaos, http
from tokentra.lib.tenancy import organization_scope
from usage import ending, ingest

SAMPLE = "This is the sample workspace. Leave it to connect your own accounts."


class NotConnected(Exception):
    """The credentials did not lead to a connection; `message` says why and what to do."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome, self.message = outcome, message

    @property
    def is_for_later(self) -> bool:
        """Nothing is wrong with the credentials: the provider did not answer."""
        return self.outcome in {Outcome.PROVIDER_DOWN, Outcome.RATE_LIMITED, Outcome.UNEXPECTED}


class AlreadyConnected(Exception):
    """The same account is connected already, as `connection`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(f"Already connected as {connection.name}.")
        self.connection = connection


@dataclass(frozen=True, slots=True)
class Connected:
    connection: Connection
    account: Account = field(repr=False)


def connect(
    organization: Organization,
    connector: Connector,
    credentials: Credentials,
    *,
    name: str = "",
    by: User | None,
    via: str = "",
    admit: Callable[[], None] | None = None,
) -> Connected:
    """Try the credentials at the provider and connect its account. Call it outside any transaction.

    `via` says by which other door than `by`'s own pages the credentials came. `admit` is asked inside the
    transaction that stores them; what it raises stores nothing.

    Raises `NotConnected` or `AlreadyConnected`. An account that was disconnected comes back as the same
    connection, with what was kept of its data.
    """
    if organization.is_sample:
        raise NotConnected(Outcome.NOT_AVAILABLE, SAMPLE)
    note(organization, Event.PROVIDER_CONNECTION_STARTED, connector, by)
    try:
        account = identify(connector, credentials)
    except NotConnected as reason:
        note(organization, Event.PROVIDER_CONNECTION_FAILED, connector, by, reason=str(reason.outcome))
        raise
    known_by = sealing.fingerprint(credentials)
    chaos.point("connect.before_commit")
    try:
        with organization_scope(organization.pk):
            connection = keep(organization, connector, credentials, account, name=name, by=by, via=via, admit=admit)
    except IntegrityError:  # the same account came by another door in the same moment
        with organization_scope(organization.pk):
            other = identity.connected_as(organization.pk, connector.key, account, fingerprint=known_by)
        if other is None:
            raise
        raise AlreadyConnected(other) from None
    chaos.point("connect.after_commit")
    return Connected(connection, account)


def identify(connector: Connector, credentials: Credentials) -> Account:
    """Whose credentials these are, asked live while a person waits; `NotConnected` when they cannot be used."""
    if wrong := connector.recognise(credentials):
        raise NotConnected(Outcome.WRONG_KEY_KIND, wrong.message)
    try:
        with http.client(connector.host, provider=connector.key, patience=http.WHILE_A_PERSON_WAITS) as client:
            return connector.identify(client, credentials, now=database_now())
    except ConnectorError as error:
        raise NotConnected(error.outcome, error.message) from None


def keep(
    organization: Organization,
    connector: Connector,
    credentials: Credentials,
    account: Account,
    *,
    name: str,
    by: User | None,
    via: str,
    admit: Callable[[], None] | None,
) -> Connection:
    # one connect at a time in an organization: a double submit finds the first one's connection
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    now = database_now()
    known_by = sealing.fingerprint(credentials)
    if other := identity.connected_as(organization.pk, connector.key, account, fingerprint=known_by):
        raise AlreadyConnected(other)
    if admit:
        admit()
    is_first = not Connection.objects.owned_by(organization).exists()
    connection = identity.disconnected_as(organization.pk, connector.key, account, fingerprint=known_by)
    if connection is None:
        connection = Connection(
            organization=organization,
            provider=connector.key,
            created_by=by,
            history_from=plan.history_from(now.date()),
        )
    connection.name = name or connection.name or account.name or connector.label
    revived(connection, now=now)
    accept(connection, connector, credentials, account, now=now)
    windows.extend(connection, connector, now=now)
    windows.make_due(connection, now=now)
    name_it(connection)
    told: dict[str, Any] = {"provider": connector.key} | ({"via": via} if via else {})
    journal.record(Event.PROVIDER_CONNECTION_COMPLETED, by, organization, is_first=is_first, **told)
    audit.note("connection_created", organization, by, about=connection, **told)
    nudge(organization.pk, connection.pk)
    return connection


def revived(connection: Connection, *, now: datetime) -> None:
    connection.disconnected_at = connection.paused_at = connection.taken_over_by = None
    connection.next_sync_at = now
    ending.go_on(connection.organization_id, connection.pk)


def accept(
    connection: Connection, connector: Connector, credentials: Credentials, account: Account, *, now: datetime
) -> None:
    """Seal credentials that were tried, and write down what the try has shown."""
    connection.status, connection.blocked, connection.blocked_at = Status.VALIDATING, "", None
    connection.wait_until, connection.waits, connection.detail = None, 0, ""
    connection.next_sync_at, connection.key_set_at = now, now
    connection.account_id = account.id or connection.account_id
    connection.account_name = account.name or connection.account_name
    connection.project_ids = sorted(account.projects) or connection.project_ids
    connection.projects_found = account.projects_found
    connection.capabilities = sorted(account.capabilities)
    main = credentials[next(iter(connector.form.base_fields))]
    connection.key_kind, connection.key_last4 = account.key_kind, main.last_four
    connection.key_fingerprint = sealing.fingerprint(credentials)
    connection.fence += 1
    connection.lease_until = None
    connection.save()
    sealing.seal(connection, credentials, now=now)
    unfinished.drop_all(connection)
    write_checks(connection, connector, account, now=now)


def write_checks(connection: Connection, connector: Connector, account: Account, *, now: datetime) -> None:
    """What the live checks said of each endpoint, until reading it says more."""
    states = EndpointState.objects.filter(organization_id=connection.organization_id, connection=connection)
    checks = {check.endpoint: check for check in account.checks}
    labels = {endpoint.name: endpoint.label for endpoint in windows.endpoints(connection, connector)}
    labels |= {name: check.label for name, check in checks.items() if not check.ok}
    labels |= {windows.NAMES: windows.NAMES_LABEL}
    states.exclude(endpoint__in=labels).delete()
    have = set(states.values_list("endpoint", flat=True))
    EndpointState.objects.bulk_create(
        EndpointState(
            organization_id=connection.organization_id,
            connection=connection,
            endpoint=name,
            label=label,
            position=position,
        )
        for position, (name, label) in enumerate(labels.items())
        if name not in have
    )
    states.update(retry_at=None, failures=0, failing_since=None, outcome="", detail="")
    works = [name for name, check in checks.items() if check.ok]
    states.filter(endpoint__in=works).update(outcome=Outcome.OK, last_tried_at=now)
    for name, check in checks.items():
        if check.outcome in CLOSED or check.outcome is Outcome.NOT_AVAILABLE:  # what passes is tried again at once
            states.filter(endpoint=name).update(
                outcome=check.outcome, detail=check.message[:500], last_tried_at=now, failing_since=now
            )


def name_it(connection: Connection) -> None:
    """Tell usage what people call the account."""
    ingest.name_values(connection.pk, "connection", {str(connection.pk): (connection.name, connection.account_name)})


def note(organization: Organization, event: Event, connector: Connector, by: User | None, **data: Any) -> None:
    with organization_scope(organization.pk):
        journal.record(event, by, organization, provider=connector.key, **data)
