"""How far the figures reach: per provider account, to which day its bill is complete and when its usage was read."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.db.models import Max, Min, OuterRef, Q, Subquery

from accounts.models import Organization
from accounts.owned import OwnedQuerySet
from usage.counting import Counted, end_of
from usage.measured import MeasuredDay
from usage.models import EndedAccount, LedgerDay


@dataclass(frozen=True)
class Reach:
    """One provider account. `bill_to` is the last day that its bill counts for, None when none does."""

    provider: str
    connection_id: UUID
    first_day: date
    bill_to: date | None
    usage_until: datetime | None
    ended_at: datetime | None = None

    @property
    def until(self) -> datetime | None:
        """The instant up to which everything of this account is known, by its usage or by its bill."""
        bill = end_of(self.bill_to) if self.bill_to else None
        return max((at for at in (self.usage_until, bill) if at), default=None)

    @property
    def over_from(self) -> date | None:
        """Of an account that ended, the first day that nobody will ever know to its end."""
        known = self.until or self.ended_at
        return known.astimezone(UTC).date() if self.ended_at and known else None


def reaches(organization: Organization) -> list[Reach]:
    """All accounts that were ever read, in the order of their names."""
    return [Reach(**row) for row in _accounts().owned_by(organization)]


@cache
def _accounts() -> OwnedQuerySet[Any]:
    """Of nobody yet: Django takes longer to put it together than Postgres to answer it."""
    ended = EndedAccount.objects.filter(organization=OuterRef("organization"), connection_id=OuterRef("connection_id"))
    found = (
        LedgerDay.objects.exclude(usage_read_at=None, bill_read_at=None)
        .values("provider", "connection_id")
        .annotate(
            first_day=Min("day"),
            bill_to=Max("day", filter=Q(counted=Counted.BILL)),
            usage_until=Max("usage_read_at"),
            ended_at=Subquery(ended.values("ended_at")),
        )
        .order_by("provider", "connection_id")
    )
    return cast("OwnedQuerySet[Any]", found)


@dataclass(frozen=True)
class Measured:
    """The first and the last event that the organization's code reported."""

    since: datetime
    until: datetime


def measured(organization: Organization) -> Measured | None:
    """What its own code reported; None when that was nothing."""
    rows = MeasuredDay.objects.owned_by(organization).of("all")
    found = rows.aggregate(since=Min("first_at"), until=Max("last_at"))
    return Measured(**found) if found["until"] else None


def going_on(accounts: list[Reach]) -> list[Reach]:
    """Those that newer figures come from; all of them when every one has ended."""
    return [account for account in accounts if not account.ended_at] or accounts


def read_until(accounts: list[Reach]) -> datetime | None:
    """Until when those are known that anything is known of."""
    return min((each.until for each in going_on(accounts) if each.until), default=None)


def fresh_until(accounts: list[Reach]) -> datetime | None:
    """Until when all accounts are known; None when one is not known at all, or there is none."""
    return read_until(accounts) if all(each.until for each in going_on(accounts)) else None
