"""Whether two sets of credentials, or two connections, lead to the same account."""

from collections.abc import Iterator
from uuid import UUID

from providers.connectors.base import Account, Page
from providers.models import Connection, ConnectionQuerySet, Status
from usage.models import DayDimension

UNIQUE = ("project", "api_key")  # ids that no other account has


def is_same(connection: Connection, account: Account) -> bool | None:
    """None when neither an account's id nor a project says."""
    if connection.account_id and account.id:
        return connection.account_id == account.id
    if connection.project_ids and account.projects:
        # ids are unique in the world: one that both have proves the same account
        return not account.projects.isdisjoint(connection.project_ids)
    return True if is_named_by(connection, account.projects | account.seen) else None


def is_named_by(connection: Connection, ids: frozenset[str]) -> bool:
    """Whether one of these is a project or a key of the account, by its list or by what was read of it."""
    if not ids.isdisjoint(connection.project_ids):
        return True
    figures = DayDimension.objects.filter(organization_id=connection.organization_id, connection_id=connection.pk)
    return bool(ids) and figures.filter(dimension__in=UNIQUE, value__in=ids).exists()


def of_page(page: Page) -> Account:
    """What the figures of a page tell of the account that they are of."""
    named = frozenset(row.project or row.api_key for row in page.rows)
    return Account(page.account_id, "", seen=named - {""})


def doubtful(connection: Connection) -> ConnectionQuerySet:
    """Connections beside this one whose account may be the same for all that is known."""
    others = Connection.objects.filter(organization_id=connection.organization_id, provider=connection.provider)
    others = others.exclude(pk=connection.pk).exclude(taken_over_by=connection.pk)
    return others.filter(account_id__in=("", connection.account_id)) if connection.account_id else others


def connected_as(
    organization_id: UUID, provider: str, account: Account, *, fingerprint: str = "", besides: UUID | None = None
) -> Connection | None:
    """The active connection of an account; the same credentials prove it where the account tells nothing."""
    active = Connection.objects.filter(organization_id=organization_id, provider=provider).active()
    others = active.exclude(pk=besides) if besides else active
    return next(fitting(others.order_by("created_at"), account, fingerprint), None)


def disconnected_as(
    organization_id: UUID, provider: str, account: Account, *, fingerprint: str = ""
) -> Connection | None:
    of_provider = Connection.objects.filter(organization_id=organization_id, provider=provider)
    gone = of_provider.filter(status=Status.DISCONNECTED).order_by("-disconnected_at")
    return next(fitting(gone, account, fingerprint), None)


def fitting(connections: ConnectionQuerySet, account: Account, fingerprint: str) -> Iterator[Connection]:
    for each in connections:
        same = is_same(each, account)
        if same or (same is None and fingerprint and each.key_fingerprint == fingerprint):
            yield each
