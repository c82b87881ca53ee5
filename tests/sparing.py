"""What Django and WhiteNoise do anew for every test, done once or only where there is something to do."""

from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import TransactionTestCase
from whitenoise.base import WhiteNoise

KEPT = ("django_content_type", "auth_permission", "django_site", "django_migrations")  # as the migrations made them
WRITTEN_TO = """
SELECT format('DELETE FROM %%s', oid::regclass) FROM pg_class
WHERE relkind = 'r' AND pg_relation_size(oid) > 0
    AND coalesce(pg_partition_root(oid), oid)::regclass::text = ANY(%s)"""


def spare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", empty)
    monkeypatch.setattr(WhiteNoise, "update_files_dictionary", Found())


def empty(case: TransactionTestCase) -> None:
    """Leaves the database as the migrations made it. Emptying all tables that there are takes a second."""
    owner = connections["owner"]
    tables = {*owner.introspection.django_table_names(only_existing=True)} - {*KEPT}
    test = owner.settings_dict
    with psycopg.connect(host=test["HOST"], user="postgres", dbname=test["NAME"]) as superuser:
        superuser.execute("SET session_replication_role = replica")  # in any order, and past what guards the rows
        for (statement,) in superuser.execute(WRITTEN_TO, [[*tables]]).fetchall():
            superuser.execute(statement)


class Found:
    """The files of a directory, looked for once: otherwise each test's client reads them all."""

    def __init__(self) -> None:
        self.read = WhiteNoise.update_files_dictionary
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    def __get__(self, noise: WhiteNoise, _: type) -> Any:
        return lambda root, prefix: noise.files.update(self.of(noise, root, prefix))

    def of(self, noise: WhiteNoise, root: str, prefix: str) -> dict[str, Any]:
        if (root, prefix) not in self.known:
            before, noise.files = noise.files, {}
            self.read(noise, root, prefix)
            self.known[root, prefix], noise.files = noise.files, before
        return self.known[root, prefix]
