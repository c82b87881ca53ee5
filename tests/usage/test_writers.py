"""Several writers at once, and walls between organizations."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier
from uuid import UUID

import pytest
from django.db import DataError, IntegrityError, connection, connections
from django.db.transaction import atomic
from django.db.utils import ProgrammingError
from psycopg.errors import FeatureNotSupported as NotSupported

from tests import make
from tests.usage.accounts_of import DAY, Account, at, billed, rows_of, spent, tokens, used
from tokentra.lib.tenancy import organization_scope
from usage import demo, ingest, partitions, rollup, tasks
from usage.models import DayDimension, DayRollup, HourRollup, Label, LedgerDay, Revision, UsageRecord
from usage.rows import Tokens

NOON = at(DAY, 12)
OWNED = (UsageRecord, LedgerDay, Revision, Label, HourRollup, DayDimension, DayRollup)


def together(*works: Callable[[], object]) -> None:
    """Run each in a thread with a connection of its own, all starting at once."""
    gate = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            gate.wait()
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(run, work) for work in works]:
            done.result()


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_c15_writers_of_the_same_window_leave_what_one_would(acme):
    account = Account(acme.pk)
    rows = [used(hour=hour, project=f"proj_{hour}") for hour in range(20)]

    def write() -> None:
        with organization_scope(acme.pk):
            account.reads_usage(*rows, now=NOON)

    together(*[write] * 4)

    with organization_scope(acme.pk):
        assert (tokens(acme.pk), len(rows_of(acme.pk))) == (20_000_000, 20)
        assert rollup.mismatches(acme.pk, account.connection_id, [DAY]) == {}


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_bill_and_usage_that_arrive_at_once_agree_on_what_counts(acme):
    account = Account(acme.pk)
    believed = at(DAY, days=2)

    def usage() -> None:
        with organization_scope(acme.pk):
            account.reads_usage(used(), days=3, now=believed)

    def bill() -> None:
        with organization_scope(acme.pk):
            account.reads_bill(billed("0.30"), days=3, now=believed)

    together(usage, bill, usage, bill)

    with organization_scope(acme.pk):
        assert spent(acme.pk) == Decimal("0.30")
        assert rollup.mismatches(acme.pk, account.connection_id, [DAY]) == {}


@pytest.mark.django_db
def test_d5_another_organization_sees_and_changes_nothing(acme, elsewhere):
    with organization_scope(acme.pk):
        account = Account(acme.pk)
        account.reads_usage(used(), now=NOON)
        account.reads_bill(billed("1"), now=at(DAY, days=2))
        account.reads_bill(billed("2"), now=at(DAY, days=3))
        ingest.name_values(account.connection_id, "project", {"proj_1": ("Search", "")})
        assert all(model.objects.exists() for model in OWNED)

    with organization_scope(elsewhere.pk):
        assert not any(model.objects.exists() for model in OWNED)
        assert ingest.forget_connection(acme.pk, account.connection_id) == 0
        rollup.rebuild(acme.pk, account.connection_id, [DAY])

    with organization_scope(acme.pk):
        assert spent(acme.pk) == 2


@pytest.mark.django_db
def test_d2_nothing_is_written_for_another_organization_than_the_open_one(acme, elsewhere):
    with pytest.raises(ProgrammingError, match="row-level security"), organization_scope(elsewhere.pk):
        Account(acme.pk).reads_usage(used(), now=NOON)


@pytest.mark.django_db
@pytest.mark.parametrize("model", OWNED)
def test_d3_without_an_organization_a_look_raises(acme, model):
    with organization_scope(acme.pk):
        account = Account(acme.pk)
        account.reads_usage(used(), now=NOON)
        account.reads_bill(billed("1"), now=at(DAY, days=2))
        account.reads_bill(billed("2"), now=at(DAY, days=3))
        ingest.name_values(account.connection_id, "project", {"proj_1": ("Search", "")})

    with pytest.raises(DataError):
        list(model.objects.all())


@pytest.mark.django_db
def test_rows_of_the_same_connection_id_in_two_organizations_do_not_meet(acme, elsewhere):
    shared = UUID(int=7)
    for organization, million in ((acme, 1), (elsewhere, 2)):
        with organization_scope(organization.pk):
            same = Account(organization.pk, shared)
            same.reads_usage(used(tokens=Tokens(input=million)), now=NOON)

    with organization_scope(acme.pk):
        assert tokens(acme.pk) == 1


@pytest.mark.worker
@pytest.mark.django_db
@pytest.mark.parametrize("day", [date(2023, 5, 17), date(2024, 12, 30), date(2024, 12, 31), date(2025, 1, 1)])
def test_a_week_is_made_once_for_all_of_its_days(day):
    week = [day + timedelta(days=n - day.weekday()) for n in range(7)]

    made = partitions.ensure([day])

    assert made == 1
    assert partitions.ensure(week) == 0


@pytest.mark.worker
@pytest.mark.django_db
def test_weeks_are_made_ahead():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_date")
        today = cursor.fetchone()[0]

    tasks.make_partitions()

    assert partitions.ensure(today + timedelta(days=n) for n in range(60)) == 0


@pytest.mark.worker
@pytest.mark.django_db
@pytest.mark.parametrize("day", [date(2019, 12, 31), date(2200, 1, 1)])
def test_no_week_is_made_for_an_absurd_day(day):
    with pytest.raises(DataError, match="no partition"):
        partitions.ensure([day])


@pytest.mark.worker
@pytest.mark.django_db
@pytest.mark.parametrize(
    "forbidden",
    [
        "CREATE TABLE partitions.mine (id int)",
        "CREATE TABLE mine (id int)",
        "DROP TABLE partitions.usage_usagerecord_20261116",
        "ALTER TABLE usage_usagerecord DISABLE ROW LEVEL SECURITY",
        "TRUNCATE usage_usagerecord",
        "SELECT * FROM partitions.usage_usagerecord_20261116",
    ],
)
def test_d1_making_weeks_is_all_that_a_worker_may_do_to_tables(forbidden):
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute(forbidden)


@pytest.mark.django_db
def test_d7_rows_are_copied_beside_the_table_because_nobody_may_copy_into_it(in_acme):
    Account(in_acme).reads_usage(used(), now=NOON)

    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'usage_staging'")
        assert cursor.fetchall() == [("t",)]
        with pytest.raises(NotSupported, match="row-level security"), atomic():
            cursor.copy("COPY usage_usagerecord FROM STDIN").__enter__()


@pytest.mark.django_db
def test_a_row_has_one_place(in_acme):
    Account(in_acme).reads_usage(used(), now=NOON)
    row = UsageRecord.objects.get()

    with pytest.raises(IntegrityError), atomic():
        UsageRecord.objects.bulk_create([row])


@pytest.mark.django_db
def test_the_sample_workspace_is_true_to_the_same_rules(acme):
    now = at(date(2026, 11, 20), 19)

    rows = make.story(acme, now)

    with organization_scope(acme.pk):
        assert rows == UsageRecord.objects.count()
        counted = DayDimension.objects.filter(dimension="model", counted=True)
        assert {*counted.values_list("provider", flat=True)} == {"openai", "anthropic"}
        assert len({*counted.exclude(value="").values_list("value", flat=True)}) == 8
        assert {*LedgerDay.objects.values_list("state", flat=True)} == {"open", "provisional", "settled"}
        assert LedgerDay.objects.filter(provider="openai").count() == demo.DAYS
        assert not UsageRecord.objects.filter(basis="unpriced").exists()
        assert UsageRecord.objects.filter(amount__lt=0, line_item="Monthly credit").exists()
        by_model = UsageRecord.objects.filter(day__lt=now.date()).exclude(model="")
        usage, bill = ({row.model: Decimal(0) for row in by_model} for _ in range(2))
        for row in by_model:
            (usage if row.ledger == "usage" else bill)[row.model] += row.amount or 0
        assert all(abs(usage[model] - bill[model]) < Decimal("0.000001") for model in usage)
        before = rows_of(acme.pk)

    make.story(acme, now)

    with organization_scope(acme.pk):
        assert rows_of(acme.pk) == before
