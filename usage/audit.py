"""Whether rollups still equal their rows to the last digit, and making them anew where they do not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Q

from accounts.models import Organization
from tokentra.lib.tenancy import organization_scope
from usage import rollup
from usage.measuring import rebuilding
from usage.models import DayDimension, DayRollup, LedgerDay
from usage.rows import Ledger


@dataclass(frozen=True)
class Mismatch:
    """A day of a connection whose rollups differ from its rows: how many rollup rows, by table."""

    organization_id: UUID
    connection_id: UUID
    day: date
    tables: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{count} in {table}" for table, count in sorted(self.tables.items()))
        return f"organization {self.organization_id}, connection {self.connection_id}, {self.day}: {counts}"


@dataclass
class Audit:
    """One run over an organization.

    `days` is how many it looked at, `gone` how many it cannot look at: measured, and none of their events are kept.
    """

    organization_id: UUID
    fix: bool = False
    days: int = 0
    gone: int = 0

    def run(self, sample: int | None = None) -> Iterator[Mismatch | rebuilding.Wrong]:
        """Look at every day, or at `sample` days picked at random. A transaction for each month."""
        with organization_scope(self.organization_id):
            wanted = _days_of(self.organization_id, sample)
        for connection_id, days in wanted.items():
            for place in range(0, len(days), rollup.DAYS_AT_ONCE):
                yield from self._look(connection_id, days[place : place + rollup.DAYS_AT_ONCE])
        measured = rebuilding.days_of(self.organization_id, sample)
        self.days += len(measured)
        self.gone = 0 if sample else rebuilding.older_than(self.organization_id, measured)
        yield from rebuilding.compare(self.organization_id, measured, fix=self.fix)

    def _look(self, connection_id: UUID, days: list[date]) -> list[Mismatch]:
        with organization_scope(self.organization_id):
            _hold(self.organization_id, connection_id, days)
            self.days += len(days)
            if not rollup.mismatches(self.organization_id, connection_id, days):
                return []
            found = []
            for day in days:
                if tables := rollup.mismatches(self.organization_id, connection_id, [day]):
                    found.append(Mismatch(self.organization_id, connection_id, day, tables))
            if self.fix:
                rollup.rebuild(self.organization_id, connection_id, [wrong.day for wrong in found])
            return found


def organizations() -> list[UUID]:
    """Every organization that stays, for those who may list them: workers and the owner of the tables."""
    return list(Organization.objects.filter(closing_at=None).order_by("slug").values_list("pk", flat=True))


def _days_of(organization_id: UUID, sample: int | None) -> dict[UUID, list[date]]:
    mine = {"organization_id": organization_id}
    known = LedgerDay.objects.filter(**mine).values_list("connection_id", "day")
    if sample is not None:
        return _by_connection(known.order_by("?")[:sample])
    read = ~Q(ledger=Ledger.MEASURED)  # measured events are compared by their own rules
    rolled_up = DayRollup.objects.filter(read, **mine).values_list("connection_id", "day")
    dimensions = DayDimension.objects.filter(read, **mine).values_list("connection_id", "day")
    return _by_connection(known.union(rolled_up, dimensions))


def _by_connection(pairs: Iterable[tuple[UUID, date]]) -> dict[UUID, list[date]]:
    days: dict[UUID, list[date]] = defaultdict(list)
    for connection_id, day in sorted(set(pairs)):
        days[connection_id].append(day)
    return days


def _hold(organization_id: UUID, connection_id: UUID, days: list[date]) -> None:
    """Nobody writes these days while they are compared."""
    held = LedgerDay.objects.filter(organization_id=organization_id, connection_id=connection_id, day__in=days)
    list(held.select_for_update().order_by("day").values_list("day"))
