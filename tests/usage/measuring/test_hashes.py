"""The numbers by which measured sums are found: the same in Python, in SQL and of the migration."""

import pytest
from django.db import connection, connections, transaction

from tests.usage.measuring.conftest import NOON
from tests.usage.measuring.test_adding_up import story
from tests.usage.measuring.test_kinds import go
from tokentra.lib.tenancy import organization_scope
from usage.measured import MeasuredDay, MeasuredHour
from usage.measuring.hashes import hash_in_sql, hash_of, series_in_sql, series_of

pytestmark = pytest.mark.django_db

TEXTS = ["", "acme", "Ünïcode 🙂", "with \\ and ' and \x1f", "x" * 256]


@pytest.mark.parametrize("text", TEXTS)
def test_python_and_sql_say_the_same(text):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {hash_in_sql('given')} FROM (VALUES (%s)) AS one (given)", [text])
        assert cursor.fetchone() == (hash_of(text),)
        cursor.execute(
            f"SELECT {series_in_sql('one', 'other')} FROM (VALUES (%s, %s)) AS two (one, other)", ["tag:a", text]
        )
        assert cursor.fetchone() == (series_of("tag:a", text),)


def test_what_differs_is_told_apart():
    texts = [f"customer-{number}" for number in range(10_000)]
    series = [series_of("customer"), series_of("customer", "model"), series_of("model"), series_of("", "customer")]

    assert len({hash_of(text) for text in [*TEXTS, *texts]}) == len(TEXTS) + len(texts)
    assert len(set(series)) == len(series)
    assert all(-(2**63) <= each < 2**63 for each in map(hash_of, texts))


def test_each_row_is_found_by_what_it_says(acme, send):
    send(*story(3, 60, days=3))

    with organization_scope(acme.pk):
        days, hours = MeasuredDay.objects.owned_by(acme), MeasuredHour.objects.owned_by(acme)
        for row in days:
            assert row in days.of(row.dimension, row.by).of_values([row.value])
            other = "" if row.currency == "USD" else f"\x1f{row.currency}"
            assert row.by_hash == hash_of(row.by_value + other)
        for row in hours:
            assert row in hours.of(row.dimension).of_values([row.value])
        assert not days.of("customer").of_values(["nobody"]).exists()
        assert len({row.dimension for row in days}) > 5


@pytest.mark.django_db(transaction=True)
def test_the_migration_makes_them_of_what_is_held(acme, elsewhere, send):
    for organization in (acme, elsewhere):
        send(*story(3, 60, days=3), to=organization)
    with organization_scope(acme.pk):  # what waited is added up
        assert MeasuredDay.objects.filter(day__lte=NOON.date()).exists()
    owner = connections["owner"]

    def rows():
        found = []
        with owner.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
            for table in ("usage_measuredday", "usage_measuredhour"):
                cursor.execute(f"SELECT to_jsonb(held) - 'partly_priced' FROM {table} AS held")  # which came later
                found.append(sorted(map(str, cursor.fetchall())))
        return found

    with transaction.atomic(using="owner"):
        held = rows()
        go(owner, "0004_totals")
        without = rows()
        go(owner, "0005_hashed_keys")
        after = rows()
        transaction.set_rollback(True, using="owner")  # leaves the database as it was

    assert after == held
    assert "value_hash" not in without[0][0]
    assert "value_hash" not in without[1][0]
