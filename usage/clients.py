"""The workspaces that somebody belongs to, side by side: one for each client, each in its own scope."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Membership, Organization
from accounts.permissions import Permission
from tokentra.lib.periods import period
from tokentra.lib.tenancy import organization_scope
from usage.dashboard import Board
from usage.forms import Lens
from usage.freshness import read_until

SHOWN = 50  # workspaces on one page: each is a handful of queries
LATE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Client:
    """One workspace in the last thirty days. Figures are None where nothing was read yet."""

    organization: Organization
    role: str
    spend: Decimal | None
    change: Decimal | None
    against: str
    basis: str
    until: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Clients:
    shown: tuple[Client, ...]
    number: int

    @property
    def spend(self) -> Decimal:
        return sum((each.spend for each in self.shown if each.spend is not None), Decimal(0))

    @property
    def is_cut(self) -> bool:
        return len(self.shown) < self.number


def clients(memberships: Iterable[Membership], *, now: datetime, named: str = "") -> Clients:
    """Opens each workspace's scope in turn; call it outside of any. Those with the highest spend come first."""
    mine = [
        each
        for each in memberships
        if not each.organization.is_sample
        and each.may(Permission.SEE_COSTS)
        and named.casefold() in each.organization.name.casefold()
    ]
    found = [client(membership, now=now) for membership in mine[:SHOWN]]
    found.sort(key=lambda each: (each.spend is None, -(each.spend or 0), each.organization.name.casefold()))
    return Clients(tuple(found), len(mine))


def client(membership: Membership, *, now: datetime) -> Client:
    with organization_scope(membership.organization_id):
        board = Board(membership.organization, Lens(period("30d", now)), now)
        spend = board.spend if board.has_data else None
        until = read_until(board.accounts)
        return Client(
            membership.organization,
            membership.get_role_display(),
            Decimal(spend.now) if spend and spend.now is not None else None,
            spend.change if spend else None,
            spend.against if spend else "",
            board.basis if spend else "",
            until,
            until is not None and now - until > LATE and not board.is_over,
        )
