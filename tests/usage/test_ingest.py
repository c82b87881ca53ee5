from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.usage.accounts_of import (
    DAY,
    MINI,
    Account,
    at,
    billed,
    from_each_rollup,
    rows_of,
    spent,
    tokens,
    used,
)
from usage import ingest
from usage.models import DayRollup, Label, LedgerDay, PriceOverride, Revision, UsageRecord
from usage.rows import Tokens

pytestmark = pytest.mark.django_db

NOON = at(DAY, 12)
LATER = at(DAY, 18)
NEXT_WEEK = at(DAY + timedelta(days=7))
MILLION = Tokens(input=1_000_000)


@pytest.fixture
def account(in_acme) -> Account:
    return Account(in_acme)


def test_writing_the_same_window_again_changes_nothing(account):
    rows = [used(hour=hour, project=f"proj_{hour % 3}") for hour in range(12)]
    account.reads_usage(*rows, now=NOON)
    before = rows_of(account.organization_id), list(DayRollup.objects.order_by("id").values())

    recorded = account.reads_usage(*rows, now=LATER)

    assert (recorded.rows, recorded.zeroed, recorded.revised_days) == (12, 0, ())
    assert (rows_of(account.organization_id), list(DayRollup.objects.order_by("id").values())) == before


def test_the_newest_observation_wins(account):
    account.reads_usage(used(), now=NOON)
    account.reads_usage(used(tokens=Tokens(input=3_000_000)), now=LATER)

    assert (tokens(account.organization_id), spent(account.organization_id)) == (3_000_000, Decimal("0.75"))


def test_an_older_observation_that_arrives_late_is_passed_over(account):
    account.reads_usage(used(tokens=Tokens(input=3_000_000)), now=LATER)
    account.reads_usage(used(), now=NOON)

    assert tokens(account.organization_id) == 3_000_000


def test_a_row_that_vanished_becomes_zero_at_once(account):
    account.reads_usage(used(api_key=""), used(hour=10), now=NOON)

    recorded = account.reads_usage(used(api_key="key_1"), used(hour=10), now=LATER)

    assert recorded.zeroed == 1
    assert (tokens(account.organization_id), spent(account.organization_id)) == (2_000_000, Decimal("0.50"))
    assert "" not in DayRollup.objects.filter(model=MINI, input=MILLION.input * 2).values_list("api_key", flat=True)


def test_a_row_that_comes_back_counts_again(account):
    for rows in ([used(), used(hour=10)], [used()], [used(), used(hour=10)]):
        account.reads_usage(*rows, now=LATER)

    assert spent(account.organization_id) == Decimal("0.50")


def test_zeroing_stays_inside_the_window_and_its_endpoint(account):
    tomorrow = DAY + timedelta(days=1)
    account.reads_usage(used(), used(day=tomorrow), days=2, now=NEXT_WEEK)
    account.reads_usage(
        used("text-embedding-3-small", endpoint="usage.embeddings"),
        endpoint="usage.embeddings",
        now=NEXT_WEEK,
    )

    account.reads_usage(used(hour=11), now=NEXT_WEEK)

    assert tokens(account.organization_id) == 3_000_000


def test_a_window_that_is_suddenly_empty_is_not_believed_at_first(account):
    account.reads_usage(used(), now=NOON)

    with pytest.raises(ingest.SuddenlyEmpty):
        account.reads_usage(now=LATER)
    assert spent(account.organization_id) == Decimal("0.25")

    assert account.reads_usage(now=LATER, believe_empty=True).zeroed == 1
    assert spent(account.organization_id) == 0


def test_a_window_that_was_always_empty_is_simply_read(account):
    assert account.reads_usage(now=NOON).rows == 0
    assert LedgerDay.objects.get().usage_read_at == NOON


def test_what_an_incomplete_reading_misses_keeps_its_figures(account):
    account.reads_usage(used(), used(hour=10), now=NOON)

    account.reads_usage(used(tokens=Tokens(input=2_000_000)), now=LATER, complete=False)

    assert tokens(account.organization_id) == 3_000_000
    assert LedgerDay.objects.get().usage_read_at == NOON


def test_rows_that_are_equal_in_every_dimension_are_added(account):
    recorded = account.reads_usage(used(), used(tokens=Tokens(input=5)), now=NOON)

    assert recorded.rows == 1
    assert tokens(account.organization_id) == 1_000_005


def test_counts_are_larger_than_32_bits(account):
    account.reads_usage(used(tokens=Tokens(input=5_000_000_000_000)), now=NOON)

    assert tokens(account.organization_id) == 5_000_000_000_000


def test_amounts_of_a_bill_are_kept_exactly_as_sent(account):
    account.reads_bill(billed("0.340900000000000007"), billed("-0.000000000000000001", ""), now=NEXT_WEEK)

    assert spent(account.organization_id) == Decimal("0.340900000000000006")


def test_unpriced_tokens_are_told_and_not_counted_as_free(account):
    recorded = account.reads_usage(used(), used("gpt-7"), now=NOON)

    record = UsageRecord.objects.get(model="gpt-7")
    assert recorded.unpriced_tokens == 1_000_000
    assert (record.amount, record.basis, record.rate_ref) == (None, "unpriced", "unknown model")
    assert DayRollup.objects.get(model="gpt-7").unpriced_tokens == 1_000_000


def test_units_are_added_by_name(account):
    images: dict[str, Any] = {"kind": "unit", "tokens": Tokens(), "model": ""}
    account.reads_usage(
        used(**images, units=(("images", Decimal(3)),)),
        used(**images, hour=10, units=(("images", Decimal("1.5")), ("seconds", Decimal(9)))),
        now=NOON,
    )

    assert DayRollup.objects.get().units == {"images": "4.5", "seconds": "9"}


def test_requests_are_unknown_as_soon_as_one_row_does_not_say(account):
    account.reads_usage(used(), used(hour=10, requests=None), now=NOON)

    day = DayRollup.objects.get()
    assert (day.requests, day.requests_known) == (1, False)


def test_a_new_price_does_not_rewrite_what_was_priced(account):
    account.reads_usage(used(), used(hour=10), now=NOON)
    PriceOverride.objects.create(
        organization_id=account.organization_id,
        provider="openai",
        model=MINI,
        rates={"input": "9"},
        since=DAY,
    )

    account.reads_usage(used(), used(hour=10, tokens=Tokens(input=2_000_000)), now=LATER)

    assert spent(account.organization_id) == Decimal("0.25") + 18


@pytest.mark.parametrize(("read_before", "is_noted"), [(at(DAY, 23), False), (at(DAY + timedelta(days=1)), True)])
def test_a_change_of_a_day_that_was_over_is_a_revision(account, read_before, is_noted):
    account.reads_bill(billed("0.25"), now=read_before)

    recorded = account.reads_bill(billed("0.20"), now=NEXT_WEEK)

    assert recorded.revised_days == ((DAY,) if is_noted else ())
    assert list(Revision.objects.values_list("day", "old_amount", "new_amount", "age_hours")) == (
        [(DAY, Decimal("0.25"), Decimal("0.20"), 144)] if is_noted else []
    )


def test_another_endpoint_that_is_late_is_no_revision(account):
    account.reads_usage(used(), now=NEXT_WEEK)

    late = used("text-embedding-3-small", endpoint="usage.embeddings")
    recorded = account.reads_usage(late, endpoint="usage.embeddings", now=NEXT_WEEK)

    assert recorded.revised_days == ()


@pytest.mark.parametrize(
    "wrong",
    [
        used(day=DAY - timedelta(days=1)),
        used(day=DAY + timedelta(days=1)),
        used(endpoint="usage.embeddings"),
        billed("1"),
        replace(used(), provider="anthropic"),
    ],
)
def test_a_row_that_is_not_of_the_window_is_refused(account, wrong):
    with pytest.raises(ValueError, match="window"):
        account.reads_usage(used(), wrong, now=NOON)


@pytest.mark.parametrize(
    ("start", "end"), [(at(DAY, 1), at(DAY, days=1)), (at(DAY), at(DAY)), (at(DAY, days=1), at(DAY))]
)
def test_a_window_runs_from_midnight_to_midnight(account, start, end):
    window = account.window(used().ledger, "usage.completions", DAY, 1)

    with pytest.raises(ValueError, match="midnight"):
        replace(window, start=start, end=end)


def test_days_that_have_not_begun_are_not_read(account):
    account.reads_usage(used(), days=7, now=LATER)

    assert list(LedgerDay.objects.values_list("day", flat=True)) == [DAY]


def test_a_row_of_tomorrow_may_come_and_go(account):
    tomorrow = used(day=DAY + timedelta(days=1))
    account.reads_usage(used(), tomorrow, days=3, now=NOON)

    assert account.reads_usage(used(), days=3, now=LATER).zeroed == 1
    assert tokens(account.organization_id) == 1_000_000


def test_text_from_outside_cannot_break_a_write(account):
    odd: dict[str, Any] = {
        "project": "a\0b",
        "api_key": "\ud800",
        "user": "ü" * 900,
        "extra": (("x", "y\0"),),
    }

    account.reads_usage(used(**odd), now=NOON)
    account.reads_usage(used(**odd), now=LATER)

    record = UsageRecord.objects.get()
    assert (record.project, record.api_key, len(record.user_ref)) == ("ab", "?", 500)


def test_a_day_without_a_partition_gets_one(account):
    long_ago = date(2024, 2, 29)

    account.reads_usage(used("gpt-4o-2024-05-13", day=long_ago), start=long_ago, now=NOON)

    assert UsageRecord.objects.get().day == long_ago


def test_names_of_ids_are_kept_and_replaced(account):
    for name in ("Search", "Search, new"):
        ingest.name_values(account.connection_id, "project", {"proj_1": (name, ""), "proj_2": ("Mail", "")})

    assert sorted(Label.objects.values_list("value", "name")) == [
        ("proj_1", "Search, new"),
        ("proj_2", "Mail"),
    ]


def test_forgetting_a_connection_leaves_the_others(account):
    other = Account(account.organization_id)
    for each in (account, other):
        each.reads_usage(used(), now=NOON)
        each.reads_bill(billed("0.25"), now=NOON)
        ingest.name_values(each.connection_id, "project", {"proj_1": ("Search", "")})

    assert ingest.forget_connection(account.organization_id, account.connection_id) == 2

    assert spent(account.organization_id) == Decimal("0.25")
    assert {*LedgerDay.objects.values_list("connection_id", flat=True)} == {other.connection_id}
    assert Label.objects.get().connection_id == other.connection_id


def test_deleting_an_organization_takes_its_rows_along(account, acme):
    account.reads_usage(used(), now=NOON)

    acme.delete()

    assert from_each_rollup(account.organization_id) == {}
    assert not UsageRecord.objects.exists()
