"""Provider accounts of an organization with figures in them, as pages and the API meet them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from tests.usage.accounts_of import DAY, FULL, MINI, Account, billed, used
from tokentra.lib.tenancy import organization_scope
from usage import ending, ingest
from usage.rows import Ledger, Tokens, UsageRow

NOW = datetime(2026, 11, 20, 14, 10, tzinfo=UTC)
TODAY = NOW.date()
NEXT = DAY + timedelta(days=1)


@dataclass
class AccountOf(Account):
    """The same for any provider, opening the scope by itself."""

    provider: str = "openai"

    def window(self, ledger: Ledger, endpoint: str, start: date, days: int) -> ingest.Window:
        return replace(super().window(ledger, endpoint, start, days), provider=self.provider)

    def reads(self, ledger: Ledger, *rows: UsageRow, start: date, days: int, now: datetime = NOW) -> None:
        endpoint = "costs" if ledger is Ledger.BILLED else "usage.completions"
        mine = [replace(row, provider=self.provider, endpoint=endpoint) for row in rows]
        with organization_scope(self.organization_id):
            ingest.record(self.organization_id, mine, window=self.window(ledger, endpoint, start, days), now=now)

    def ends(self, at: datetime) -> None:
        with organization_scope(self.organization_id):
            ending.end(self.organization_id, self.connection_id, at=at)

    def goes_on(self) -> None:
        with organization_scope(self.organization_id):
            ending.go_on(self.organization_id, self.connection_id)

    def is_called(self, dimension: str, names: dict[str, str]) -> None:
        with organization_scope(self.organization_id):
            ingest.name_values(self.connection_id, dimension, {value: (name, "") for value, name in names.items()})


def openai(organization: Organization) -> AccountOf:
    return AccountOf(organization.pk)


def anthropic(organization: Organization) -> AccountOf:
    return AccountOf(organization.pk, provider="anthropic")


def two_settled_days(organization: Organization) -> AccountOf:
    """The 10th and 11th of November, billed: $3.60 and $0.40, with usage of a million tokens or so each."""
    account = openai(organization)
    account.reads(
        Ledger.USAGE,
        used(MINI, project="proj_a", api_key="key_1", requests=40),
        used(FULL, project="proj_b", api_key="key_2", requests=7, hour=10, tokens=Tokens(output=200_000)),
        used(MINI, project="proj_a", api_key="key_1", requests=60, day=NEXT, hour=23),
        start=DAY,
        days=2,
    )
    account.reads(
        Ledger.BILLED,
        billed("0.25", MINI, project="proj_a", api_key="key_1"),
        billed("3.35", FULL, project="proj_b", api_key="key_2"),
        billed("0.25", MINI, project="proj_a", api_key="key_1", day=NEXT),
        billed("0.15", "", project="proj_a", day=NEXT, units=(("web_search", Decimal(15)),)),
        start=DAY,
        days=2,
    )
    account.is_called("project", {"proj_a": "Support", "proj_b": "Search"})
    return account


def whole_history(account: AccountOf, *rows: UsageRow, days: int = 90) -> AccountOf:
    """Usage read completely for ninety days up to now, with these rows in it."""
    account.reads(Ledger.USAGE, *rows, start=TODAY - timedelta(days=days - 1), days=days)
    return account


def on(days_ago: int, **fields: Any) -> UsageRow:
    return used(day=TODAY - timedelta(days=days_ago), **fields)
