"""A provider account whose usage and bill the tests make up, and what the rollups say of it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q, Sum

from usage import ingest
from usage.models import DayDimension, DayRollup, HourRollup, LedgerDay, UsageRecord
from usage.rows import TOKEN_CLASSES, Ledger, Tokens, UsageRow

DAY = date(2026, 11, 10)
MINI, FULL = "gpt-5-mini-2025-08-07", "gpt-5-2025-08-07"  # per million: 0.25 and 2, 1.25 and 10


def at(day: date, hour: int = 0, **more: int) -> datetime:
    return datetime.combine(day, time(hour), UTC) + timedelta(**more)


def used(model: str = MINI, *, day: date = DAY, hour: int = 9, **fields: Any) -> UsageRow:
    fields.setdefault("tokens", Tokens(input=1_000_000))
    fields.setdefault("requests", 1)
    fields.setdefault("endpoint", "usage.completions")
    return UsageRow(Ledger.USAGE, start=at(day, hour), seconds=3600, provider="openai", model=model, **fields)


def billed(amount: str, model: str = MINI, *, day: date = DAY, **fields: Any) -> UsageRow:
    fields.setdefault("line_item", f"{model}, input" if model else "web search tool calls")
    fields.setdefault("kind", "tokens" if model else "unit")
    return UsageRow(Ledger.BILLED, "costs", at(day), 86_400, "openai", model, amount=Decimal(amount), **fields)


@dataclass
class Account:
    organization_id: UUID
    connection_id: UUID = field(default_factory=uuid4)

    def window(self, ledger: Ledger, endpoint: str, start: date, days: int) -> ingest.Window:
        return ingest.Window(self.connection_id, "openai", ledger, endpoint, at(start), at(start, days=days))

    def reads_usage(
        self, *rows: UsageRow, now: datetime, start: date = DAY, days: int = 1, **how: Any
    ) -> ingest.Recorded:
        endpoint = how.pop("endpoint", "usage.completions")
        window = self.window(Ledger.USAGE, endpoint, start, days)
        return ingest.record(self.organization_id, rows, window=window, now=now, **how)

    def reads_bill(
        self, *rows: UsageRow, now: datetime, start: date = DAY, days: int = 1, **how: Any
    ) -> ingest.Recorded:
        window = self.window(Ledger.BILLED, "costs", start, days)
        return ingest.record(self.organization_id, rows, window=window, now=now, **how)

    def state(self, day: date = DAY) -> str:
        mine = LedgerDay.objects.filter(organization_id=self.organization_id, connection_id=self.connection_id)
        return mine.get(day=day).state


TOTAL = sum((Sum(name) for name in TOKEN_CLASSES[1:]), Sum(TOKEN_CLASSES[0]))
ROLLUPS = {
    "hours": HourRollup.objects.filter(dimension="model"),
    "keys by hour": HourRollup.objects.filter(dimension="api_key"),
    "days": DayDimension.objects.filter(dimension="model"),
    "projects": DayDimension.objects.filter(dimension="project"),
    "tiers": DayDimension.objects.filter(dimension="service_tier"),
    "all": DayRollup.objects.all(),
}


def from_each_rollup(organization_id: UUID, **sums: Any) -> dict[str, Any]:
    """The sums, after every rollup gave the same ones."""
    answers = {name: rows.filter(organization_id=organization_id).aggregate(**sums) for name, rows in ROLLUPS.items()}
    first = answers.pop("all")
    assert answers == dict.fromkeys(answers, first)
    return {name: value or 0 for name, value in first.items()}


def spent(organization_id: UUID, currency: str = "USD") -> Decimal:
    """What counts, as every rollup has it."""
    counted = Q(counted=True, currency=currency)
    return Decimal(from_each_rollup(organization_id, cost=Sum("amount", filter=counted))["cost"])


def tokens(organization_id: UUID) -> int:
    return int(from_each_rollup(organization_id, tokens=Sum("input", filter=Q(tokens_counted=True)))["tokens"])


def rows_of(organization_id: UUID) -> list[Any]:
    """Every row as it stands, in order."""
    return list(UsageRecord.objects.filter(organization_id=organization_id).order_by("day", "id").values())
