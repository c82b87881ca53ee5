"""Days change hands: every figure stays, under the connection that reads the account now."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.usage.accounts_of import DAY, Account, at, billed, rows_of, spent, tokens, used
from usage import ingest
from usage.audit import Audit
from usage.handing_over import hand_over
from usage.models import Label, LedgerDay, Revision, UsageRecord
from usage.rows import Tokens

pytestmark = pytest.mark.django_db

NEXT_WEEK = at(DAY + timedelta(days=7))
NEXT_DAY = DAY + timedelta(days=1)
USED = (used(project="proj_1", api_key="key_1", user="ann"), used(hour=10, extra=(("size", "big"), ("a", "b"))))
BILL = (billed("3.25", project="proj_1"), billed("0.5", "", line_item="tools"), billed("7", currency="EUR"))


@pytest.fixture
def before(in_acme) -> Account:
    return Account(in_acme)


@pytest.fixture
def after(in_acme) -> Account:
    return Account(in_acme)


def give(before: Account, after: Account, *, days: int = 30):
    return hand_over(
        before.organization_id,
        source=before.connection_id,
        target=after.connection_id,
        days=[DAY + timedelta(days=number) for number in range(days)],
    )


def test_figures_stay_what_they_were_under_their_new_connection(before, after):
    before.reads_usage(*USED, now=NEXT_WEEK)
    before.reads_bill(*BILL, now=NEXT_WEEK)
    figures = spent(before.organization_id), spent(before.organization_id, "EUR"), tokens(before.organization_id)

    assert give(before, after) == [DAY]

    assert figures == (Decimal("3.75"), Decimal(7), 2_000_000)
    assert (
        spent(before.organization_id),
        spent(before.organization_id, "EUR"),
        tokens(before.organization_id),
    ) == figures
    assert set(UsageRecord.objects.values_list("connection_id", flat=True)) == {after.connection_id}
    assert after.state() == "settled"
    assert not LedgerDay.objects.filter(connection_id=before.connection_id).exists()


def test_reading_the_same_again_changes_nothing(before, after):
    before.reads_usage(*USED, now=NEXT_WEEK)
    before.reads_bill(*BILL, now=NEXT_WEEK)
    give(before, after)
    rows = rows_of(before.organization_id)

    readings = after.reads_usage(*USED, now=NEXT_WEEK), after.reads_bill(*BILL, now=NEXT_WEEK)

    assert [(each.zeroed, each.revised_days) for each in readings] == [(0, ())] * 2
    assert rows_of(before.organization_id) == rows


def test_days_outside_of_the_stretch_stay_where_they_are(before, after):
    before.reads_usage(used(), used(day=NEXT_DAY), now=NEXT_WEEK, days=2)

    assert give(before, after, days=1) == [DAY]

    assert before.state(NEXT_DAY) == "open"
    assert tokens(before.organization_id) == 2_000_000
    held = dict(UsageRecord.objects.values_list("day", "connection_id"))
    assert held == {DAY: after.connection_id, NEXT_DAY: before.connection_id}


def test_what_the_new_one_had_of_those_days_gives_way(before, after):
    before.reads_usage(used(), now=NEXT_WEEK)
    after.reads_usage(used(tokens=Tokens(input=5)), used(day=NEXT_DAY), now=NEXT_WEEK, days=2)

    assert give(before, after) == [DAY]

    assert tokens(before.organization_id) == 2_000_000
    assert after.state(NEXT_DAY) == "open"


def test_handing_over_twice_is_handing_over_once(before, after):
    before.reads_usage(*USED, now=NEXT_WEEK)
    give(before, after)
    rows = rows_of(before.organization_id)

    assert give(before, after) == []
    assert rows_of(before.organization_id) == rows


def test_names_and_revisions_go_along(before, after):
    before.reads_bill(billed("1"), now=NEXT_WEEK)
    before.reads_bill(billed("2"), now=NEXT_WEEK + timedelta(hours=1))
    ingest.name_values(before.connection_id, "project", {"proj_1": ("Search", ""), "proj_2": ("Old", "")})
    ingest.name_values(before.connection_id, "connection", {str(before.connection_id): ("Acme", "")})
    ingest.name_values(after.connection_id, "project", {"proj_2": ("New", "")})

    give(before, after)

    mine = Label.objects.filter(connection_id=after.connection_id)
    assert dict(mine.values_list("value", "name")) == {"proj_1": "Search", "proj_2": "New"}
    assert Revision.objects.get().connection_id == after.connection_id


@pytest.mark.django_db(transaction=True)
def test_rollups_equal_their_rows_afterwards(acme):
    from tokentra.lib.tenancy import organization_scope

    before, after = Account(acme.pk), Account(acme.pk)
    with organization_scope(acme.pk):
        before.reads_usage(*USED, used(day=NEXT_DAY), now=NEXT_WEEK, days=2)
        before.reads_bill(*BILL, now=NEXT_WEEK)
        give(before, after, days=1)

    audit = Audit(acme.pk)
    assert list(audit.run()) == []
    assert audit.days == 2
