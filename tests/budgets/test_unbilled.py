"""What a check goes by while bills, and usage that is read, are behind the calls."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from budgets import calls, rooms
from budgets.rules.periods import span_at
from tests import make
from tests.budgets.conftest import in_zone, standing
from tests.usage.accounts_of import Account, at, billed, used
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope
from usage.rows import Tokens

pytestmark = pytest.mark.django_db
TODAY = NOON.date()


def day(number: int) -> date:
    return TODAY.replace(day=number)


@pytest.fixture
def account(acme):
    return Account(acme.pk)


def read(account, *rows, now=NOON, of=TODAY, **how):
    """Of one day: its usage, or its bill, as a connection reads it."""
    reads = account.reads_bill if rows[0].ledger == "billed" else account.reads_usage
    with organization_scope(account.organization_id):
        reads(*rows, start=of, now=now, **how)


def gone(of, budget, now=NOON) -> Decimal:
    place = calls.place_of(budget, "", span_at(now, ZoneInfo(of.timezone), budget.rule))
    with organization_scope(of.pk):
        [found] = rooms.spent(of.pk, [place], now)
    return found


DAYS = {  # what the bill says, what calls said, and what it comes to
    14: ("9", "5", 9),
    15: ("5", "9", 9),
    16: ("100", None, 100),
    17: (None, "5", 5),
    18: ("5", "9", 9),  # its bill counts since this midnight
    19: ("50", "9", 50),  # lines that stand for no usage count at once
    20: ("1", "9", 9),
}


def test_bills_and_calls_of_one_provider_are_held_against_each_other_by_the_day(acme, account, spend):
    for number, (bill, said, _) in DAYS.items():
        if bill:
            read(account, billed(bill, day=day(number)), of=day(number))
        if said:
            spend(said, at(day(number), 10))

    assert gone(acme, make.budget(acme)) == sum(expected for *_, expected in DAYS.values())


def test_calls_after_the_hour_in_which_usage_was_read_are_added(acme, account, spend):
    read(account, used(day=TODAY, hour=9, tokens=Tokens(input=3_000_000)), now=at(TODAY, 11))  # for 0.75
    budget = make.budget(acme)

    spend("0.50", at(TODAY, 9))
    spend("4", at(TODAY, 11))
    assert gone(acme, budget) == Decimal("4.75")
    spend("1.50", at(TODAY, 10))
    assert gone(acme, budget) == 6


def test_calls_stay_added_until_whatever_may_hold_them_was_read(acme, account, spend):
    usage = used(day=TODAY, hour=8, tokens=Tokens(input=40_000_000))  # for 10
    read(account, usage, now=at(TODAY, 9))
    budget, now = make.budget(acme), at(TODAY, 15)
    spend("4", at(TODAY, 10))
    assert gone(acme, budget, now) == 14

    read(account, billed("0.01", day=TODAY), now=now)  # counts later
    assert gone(acme, budget, now) == 14
    read(account, used(day=TODAY, endpoint="embeddings", tokens=Tokens()), endpoint="embeddings", now=now)
    assert gone(acme, budget, now) == 14
    read(Account(acme.pk), used(day=TODAY, hour=8, tokens=Tokens(input=4_000)), now=now)  # for 0.001
    assert gone(acme, budget, now) == Decimal("14.001")

    read(account, usage, now=now)
    assert gone(acme, budget, now) == Decimal("10.001")


def test_the_rest_of_a_day_that_was_read_to_its_evening_is_added(acme, account, spend):
    read(account, used(day=day(19), hour=9), now=at(day(19), 22), of=day(19))

    spend("1", at(day(19), 21))
    spend("2", at(day(19), 23))

    assert gone(acme, make.budget(acme)) == 3


def test_providers_are_held_apart(acme, account, spend):
    read(account, billed("10", day=day(16)), of=day(16))

    spend("4", at(day(16), 10))
    spend("3", at(day(16), 10), provider="anthropic", model="claude-haiku-4-5")

    assert gone(acme, make.budget(acme)) == 13
    assert gone(acme, make.budget(acme, scope={"provider": ["openai"]})) == 10
    assert gone(acme, make.budget(acme, scope={"provider": ["anthropic"]})) == 3


def test_a_project_and_tokens_are_held_in_the_same_way(acme, account, spend):
    usage = used(day=TODAY, hour=9, project="proj_1", tokens=Tokens(input=700))
    read(account, usage, now=at(TODAY, 11))

    spend("1", at(TODAY, 9), project="proj_1")  # a thousand tokens
    spend("1", at(TODAY, 11), project="proj_1")
    spend("1", at(TODAY, 11), project="proj_2")

    assert gone(acme, make.budget(acme, scope={"project": ["proj_1"]})) == 2
    assert gone(acme, make.budget(acme, "9000", unit="tokens", scope={"project": ["proj_1"]})) == 2000
    assert gone(acme, make.budget(acme, "9000", unit="tokens")) == 3000


def test_days_begin_where_the_organization_is(acme, account, spend):
    read(account, used(day=day(19), hour=16), now=at(TODAY, 1), of=day(19))
    read(account, used(day=TODAY, hour=0), now=at(TODAY, 1))
    budget = make.budget(acme, every="day")
    for amount, moment in (("8", at(day(19), 14)), ("2", at(day(19), 16)), ("4", at(TODAY, 3)), ("1", at(TODAY, 6))):
        spend(amount, moment)

    in_zone(acme, "Asia/Tokyo")  # from 15:00 of the 19th
    assert gone(acme, budget) == 7 + Decimal("0.25")
    in_zone(acme, "America/New_York")  # from 5:00 of the 20th
    assert gone(acme, budget) == 1


def test_a_day_that_begins_within_an_hour_has_the_rest_of_its_calls(acme, account, spend):
    in_zone(acme, "Asia/Kolkata")  # from 18:30 of the 19th
    usage = used(day=day(19), hour=0, tokens=Tokens(input=4_000))
    read(account, usage, now=at(day(19), 1), of=day(19))
    for amount, moment in (("1", at(day(19), 18, minutes=10)), ("2", at(day(19), 18, minutes=40)), ("4", at(TODAY, 3))):
        spend(amount, moment)

    assert gone(acme, make.budget(acme, every="day")) == 6
    assert gone(acme, make.budget(acme, "9000", every="day", unit="tokens")) == 2000
    assert gone(acme, make.budget(acme, every="day", scope={"model": ["another"]})) == 0

    read(account, billed("0.50", day=day(19)), now=at(day(21)), of=day(19))  # by its UTC day from then on
    assert gone(acme, make.budget(acme, every="day")) == 4


def test_calls_of_a_day_that_is_billed_are_of_the_period_of_its_bill(acme, account, spend):
    in_zone(acme, "Asia/Tokyo")
    read(account, billed("5", day=day(18)), of=day(18))

    spend("9", at(day(18), 16))  # the 19th over there

    assert gone(acme, make.budget(acme, every="custom", anchor=day(19))) == 0
    assert gone(acme, make.budget(acme)) == 9


def test_pages_say_what_counts_alone(acme, account, spend):
    read(account, billed("1", day=TODAY))
    make.budget(acme)

    spend("9")

    assert standing(acme, NOON).spent == 1
