from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from tests.usage.accounts_of import DAY, FULL, MINI, Account, at, billed, rows_of, spent, used
from tokentra.lib.tenancy import organization_scope
from usage import rollup
from usage.models import PriceOverride, UsageRecord
from usage.repricing import Asked, reprice

pytestmark = [pytest.mark.django_db, pytest.mark.worker]

TOMORROW = DAY + timedelta(days=1)
NOON = at(TOMORROW, 12)
EVERY_ROW = Asked(every_row=True)


@pytest.fixture
def account(in_acme) -> Account:
    account = Account(in_acme)
    account.reads_usage(
        used(), used("gpt-7"), used("gpt-7", hour=10), used("gpt-7", day=TOMORROW), used(FULL, day=TOMORROW),
        days=2, now=NOON,
    )  # fmt: skip
    return account


def own_price(account: Account, model: str, rate: str) -> None:
    PriceOverride.objects.create(
        organization_id=account.organization_id,
        provider="openai",
        model=model,
        rates={"input": rate},
        since=DAY,
    )


def test_entering_a_price_changes_nothing_by_itself(account):
    own_price(account, "gpt-7", "3")

    assert spent(account.organization_id) == Decimal("1.50")


def test_a_dry_run_tells_and_changes_nothing(account):
    own_price(account, "gpt-7", "3")
    before = rows_of(account.organization_id)

    changes = list(reprice(account.organization_id, Asked(), dry_run=True))

    told = [(c.day, c.model, c.rows, c.before, c.after, c.unpriced_before, c.unpriced_after) for c in changes]
    assert told == [
        (DAY, "gpt-7", 2, Decimal(0), Decimal(6), 2_000_000, 0),
        (TOMORROW, "gpt-7", 1, Decimal(0), Decimal(3), 1_000_000, 0),
    ]
    assert rows_of(account.organization_id) == before


def test_what_had_no_price_gets_one(account):
    own_price(account, "gpt-7", "3")

    list(reprice(account.organization_id, Asked(), dry_run=False))

    assert spent(account.organization_id) == Decimal("1.50") + 9
    assert not UsageRecord.objects.filter(basis="unpriced").exists()
    assert rollup.mismatches(account.organization_id, account.connection_id, [DAY, TOMORROW]) == {}


def test_repricing_again_changes_nothing(account):
    own_price(account, "gpt-7", "3")
    list(reprice(account.organization_id, EVERY_ROW, dry_run=False))
    before = rows_of(account.organization_id)

    assert list(reprice(account.organization_id, EVERY_ROW, dry_run=False)) == []
    assert rows_of(account.organization_id) == before


@pytest.mark.parametrize(("asked", "cost"), [(Asked(), "1.50"), (EVERY_ROW, "2.25")])
def test_rows_with_a_price_keep_it_unless_every_row_is_asked_for(account, asked, cost):
    own_price(account, MINI, "1")

    list(reprice(account.organization_id, asked, dry_run=False))

    assert spent(account.organization_id) == Decimal(cost)


@pytest.mark.parametrize(
    ("days", "cost"),
    [({"start": TOMORROW}, "4.50"), ({"end": TOMORROW}, "7.50"), ({"start": DAY, "end": DAY}, "1.50")],
)
def test_only_the_asked_days_are_priced_anew(account, days, cost):
    own_price(account, "gpt-7", "3")

    list(reprice(account.organization_id, Asked(**days), dry_run=False))

    assert spent(account.organization_id) == Decimal(cost)


def test_bills_and_reported_amounts_are_never_touched(account):
    account.reads_bill(billed("5", "gpt-7"), now=NOON)
    reported = used(FULL, amount=Decimal("0.7"), endpoint="usage.reported")
    account.reads_usage(reported, endpoint="usage.reported", now=NOON)
    own_price(account, FULL, "100")
    own_price(account, "gpt-7", "3")

    list(reprice(account.organization_id, EVERY_ROW, dry_run=False))

    kept = UsageRecord.objects.filter(basis__in=("billed", "reported")).order_by("amount")
    assert [row.amount for row in kept] == [Decimal("0.7"), Decimal(5)]


@pytest.mark.django_db(transaction=True)
def test_the_command_reports_before_and_after(acme, capsys):
    with organization_scope(acme.pk):
        account = Account(acme.pk)
        account.reads_usage(used("gpt-7"), now=NOON)
        own_price(account, "gpt-7", "3")

    call_command("reprice", org=acme.slug, dry_run=True)
    call_command("reprice", all=True)
    call_command("reprice", org=acme.slug, every_row=True, start=DAY, end=TOMORROW)

    told = capsys.readouterr().out
    line = f"{DAY} openai gpt-7: 1 rows, 0 to 3.000000000000 USD, 1000000 tokens get a price"
    assert told.count(line) == 2
    assert told.rstrip().endswith("0 rows and calls, 0 to 0 USD, difference 0 USD")
