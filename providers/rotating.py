"""A connection gets new credentials: tried live first, and only those of the same account."""

from accounts import audit
from accounts.models import Organization, User
from providers import connecting, identity
from providers.claiming import database_now
from providers.connectors import CONNECTORS
from providers.connectors.base import Account, Credentials
from providers.models import Connection, Status
from providers.nudging import nudge
from providers.pausing import CannotResume, locked
from tokentra.lib.tenancy import organization_scope


class OtherAccount(Exception):
    """The new credentials lead to another account than the connection reads."""


def replace_credentials(
    organization: Organization, connection: Connection, credentials: Credentials, *, by: User | None
) -> tuple[Connection, Account]:
    """Seal new credentials in place of the old ones. Call it outside any transaction.

    Raises `connecting.NotConnected`, `OtherAccount` when they are of another account, `AlreadyConnected`
    when that account is connected as well, `CannotResume` for a connection that has ended. A paused
    connection stays paused.
    """
    if connection.status == Status.DISCONNECTED:
        raise CannotResume("Connect the account again instead.")
    connector = CONNECTORS[connection.provider]
    account = connecting.identify(connector, credentials)
    with organization_scope(organization.pk):
        held = locked(connection)
        if identity.is_same(held, account) is False:
            theirs = account.name or "another account"
            raise OtherAccount(
                f"This key belongs to {theirs}, not to {held.account_label}. Connect it as an account of its own."
            )
        if held.status == Status.DISCONNECTED:
            raise CannotResume("Connect the account again instead.")
        if other := identity.connected_as(organization.pk, connector.key, account, besides=held.pk):
            raise connecting.AlreadyConnected(other)
        was_paused = held.status == Status.PAUSED
        now = database_now()
        connecting.accept(held, connector, credentials, account, now=now)
        if was_paused:
            held.status, held.next_sync_at = Status.PAUSED, None
            held.save(update_fields=["status", "next_sync_at"])
        audit.note("connection_key_replaced", organization, by, about=held, key_kind=held.key_kind)
        nudge(organization.pk, held.pk)
    return held, account
