"""Never the same dollar twice: one ledger counts for each account and day (decisions.md 5)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.usage.accounts_of import DAY, FULL, MINI, Account, at, billed, spent, tokens, used

pytestmark = pytest.mark.django_db

NOON = at(DAY, 12)
NEXT_DAY = at(DAY + timedelta(days=1), 6)
BELIEVED = at(DAY + timedelta(days=2))
SETTLED = at(DAY + timedelta(days=4))
USED = used()  # 0.25 by the book
BILL = billed("0.2489")
SEARCHES = billed("1.50", "")


@pytest.fixture
def account(in_acme) -> Account:
    return Account(in_acme)


def test_usage_counts_while_the_day_is_open(account):
    account.reads_usage(USED, now=NOON)

    assert (spent(account.organization_id), account.state()) == (Decimal("0.25"), "open")


def test_a_bill_that_is_read_too_early_does_not_count_yet(account):
    account.reads_usage(USED, now=NEXT_DAY)
    account.reads_bill(BILL, now=NEXT_DAY)

    assert (spent(account.organization_id), account.state()) == (Decimal("0.25"), "open")


@pytest.mark.parametrize(("read_at", "state"), [(BELIEVED, "provisional"), (SETTLED, "settled")])
def test_the_bill_counts_alone_once_it_is_believed(account, read_at, state):
    account.reads_usage(USED, now=NEXT_DAY)
    account.reads_bill(BILL, SEARCHES, now=read_at)

    assert (spent(account.organization_id), account.state()) == (Decimal("1.7489"), state)


def test_a_day_turns_to_its_bill_though_not_one_line_of_it_changed(account):
    account.reads_usage(USED, now=NEXT_DAY)
    account.reads_bill(BILL, now=NEXT_DAY)

    recorded = account.reads_bill(BILL, now=BELIEVED)

    assert recorded.revised_days == ()
    assert spent(account.organization_id) == Decimal("0.2489")


def test_usage_only(account):
    account.reads_usage(USED, now=SETTLED)

    assert (spent(account.organization_id), account.state()) == (Decimal("0.25"), "open")


@pytest.mark.parametrize("read_at", [NOON, BELIEVED])
def test_cost_only(account, read_at):
    account.reads_bill(BILL, SEARCHES, now=read_at)

    assert spent(account.organization_id) == Decimal("1.7489")


def test_lines_without_usage_count_beside_usage(account):
    account.reads_usage(USED, now=NOON)
    account.reads_bill(BILL, SEARCHES, billed("-5", "", line_item="credit"), now=NOON)

    assert spent(account.organization_id) == Decimal("0.25") + Decimal("1.50") - 5


def test_a_model_that_is_billed_and_not_used_counts_by_its_bill(account):
    account.reads_usage(USED, now=NOON)
    account.reads_bill(BILL, billed("0.70", "gpt-image-1"), now=NOON)

    assert spent(account.organization_id) == Decimal("0.95")


def test_it_stops_counting_when_its_usage_arrives(account):
    account.reads_bill(billed("1.30", FULL), now=NOON)
    assert spent(account.organization_id) == Decimal("1.30")

    account.reads_usage(used(FULL), now=NOON)

    assert spent(account.organization_id) == Decimal("1.25")


@pytest.mark.parametrize("name", [MINI, "gpt-5-mini"])
def test_a_bill_may_leave_out_the_date_of_a_snapshot(account, name):
    account.reads_usage(USED, now=NOON)
    account.reads_bill(billed("0.2489", name), now=NOON)

    assert spent(account.organization_id) == Decimal("0.25")


def test_a_revised_bill_counts_as_it_is_now(account):
    account.reads_bill(BILL, now=BELIEVED)
    account.reads_bill(billed("0.30"), now=SETTLED)

    assert spent(account.organization_id) == Decimal("0.30")


def test_two_accounts_count_each_by_its_own_ledger(account):
    other = Account(account.organization_id)
    account.reads_usage(USED, now=NEXT_DAY)
    account.reads_bill(BILL, now=BELIEVED)
    other.reads_usage(USED, now=BELIEVED)

    assert spent(account.organization_id) == Decimal("0.2489") + Decimal("0.25")
    assert (account.state(), other.state()) == ("provisional", "open")


def test_each_day_counts_by_its_own_ledger(account):
    tomorrow = DAY + timedelta(days=1)
    account.reads_usage(USED, used(day=tomorrow), days=2, now=BELIEVED)
    account.reads_bill(BILL, billed("0.20", day=tomorrow), days=2, now=BELIEVED)

    assert spent(account.organization_id) == Decimal("0.2489") + Decimal("0.25")
    assert (account.state(DAY), account.state(tomorrow)) == ("provisional", "open")


def test_other_currencies_stand_beside_the_dollars(account):
    account.reads_bill(BILL, billed("7.10", "gpt-image-1", currency="EUR"), now=BELIEVED)

    assert spent(account.organization_id) == Decimal("0.2489")
    assert spent(account.organization_id, "EUR") == Decimal("7.10")


def test_a_bill_never_adds_tokens(account):
    account.reads_usage(USED, now=NOON)
    account.reads_bill(billed("0.2489", tokens=USED.tokens, requests=1), now=BELIEVED)

    assert tokens(account.organization_id) == 1_000_000


def test_an_incomplete_bill_does_not_turn_the_day(account):
    account.reads_usage(USED, now=NEXT_DAY)
    account.reads_bill(BILL, now=BELIEVED, complete=False)

    assert (spent(account.organization_id), account.state()) == (Decimal("0.25"), "open")
