"""A migration that is taken back stands in the way of no vacuum, which would stand in its own."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connections, transaction
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader

from tests.product import wait_for
from tests.waits import sessions_that_wait

OURS = ("accounts", "onboarding", "providers", "usage", "budgets", "sdk_keys")


def ways_back() -> list[tuple[str, list[str], list[str]]]:
    """What changes a right on tables: the migration's name, the tables, its statements."""
    found = []
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        for operation in migration.operations:
            if app in OURS and isinstance(operation, RunSQL) and isinstance(operation.reverse_sql, list):
                texts = [str(statement) for statement in operation.reverse_sql]
                named = re.findall(r"(?:REVOKE|GRANT) .* ON ([\w, ]+) (?:FROM|TO) ", "\n".join(texts))
                tables = [table for each in named for table in each.split(", ")]
                if tables:
                    found.append((f"{app}.{name}: {tables[0]}", sorted(set(tables)), texts))
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("tables", "statements"), [each[1:] for each in ways_back()], ids=[e[0] for e in ways_back()])
def test_a_table_is_locked_before_its_rights_change(tables, statements):
    """Giving or taking a right changes the table's row in the catalogue, which a vacuum that has the table waits for."""

    def take_back():
        try:
            with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                transaction.set_rollback(True, using="owner")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, closing(connections["owner"].copy()) as vacuum, vacuum.cursor() as cursor:
        vacuum.set_autocommit(False)
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE UPDATE EXCLUSIVE MODE")
        going = pool.submit(take_back)
        wait_for(sessions_that_wait, 20, "the migration waits for the vacuum")
        cursor.execute(f"ANALYZE {', '.join(tables)}")
        vacuum.commit()
        going.result()
