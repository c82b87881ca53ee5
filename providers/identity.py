"""Whether two sets of credentials lead to the same account."""

from uuid import UUID

from providers.connectors.base import Account
from providers.models import Connection, Status


def is_same(connection: Connection, account: Account) -> bool | None:
    """None when neither an account's id nor a project says."""
    if connection.account_id and account.id:
        return connection.account_id == account.id
    if connection.project_ids and account.projects:
        # ids are unique in the world: one that both have proves the same account
        return not account.projects.isdisjoint(connection.project_ids)
    return None


def connected_as(organization_id: UUID, provider: str, account: Account, *, fingerprint: str = "") -> Connection | None:
    """The active connection of an account; the same credentials prove it where the account tells nothing."""
    of_provider = Connection.objects.filter(organization_id=organization_id, provider=provider)
    return next((each for each in of_provider.active() if fits(each, account, fingerprint)), None)


def disconnected_as(
    organization_id: UUID, provider: str, account: Account, *, fingerprint: str = ""
) -> Connection | None:
    of_provider = Connection.objects.filter(organization_id=organization_id, provider=provider)
    gone = of_provider.filter(status=Status.DISCONNECTED).order_by("-disconnected_at")
    return next((each for each in gone if fits(each, account, fingerprint)), None)


def fits(connection: Connection, account: Account, fingerprint: str) -> bool:
    same = is_same(connection, account)
    return bool(fingerprint) and connection.key_fingerprint == fingerprint if same is None else same
