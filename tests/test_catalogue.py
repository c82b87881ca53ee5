"""What the database itself says about every owned table (reliability D3, D5, D6, D9 to D11)."""

import re
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connections, models

from accounts.owned import Owned
from tests.test_architecture import APPS, ROOT
from tokentra.lib.ids import uuid7
from usage.models import Rollup, UsageRecord

pytestmark = pytest.mark.django_db

DIRECTORY = {
    "accounts_membership",
    "accounts_invitation",
    "accounts_signondomain",
    "accounts_directorytoken",
    "sdk_keys_keydigest",
}  # how an organization is found
OWNED = [
    model
    for model in apps.get_models()
    if issubclass(model, Owned)
    or (
        "organization" in {f.name for f in model._meta.fields}
        and model._meta.app_label != "accounts"
        and model._meta.db_table not in DIRECTORY
    )
]


def ask(sql: str, *params: object) -> list[tuple]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.mark.parametrize("model", OWNED, ids=lambda m: m._meta.db_table)
def test_d3_every_owned_table_forces_its_policy(model: type[models.Model]):
    table = model._meta.db_table

    assert ask("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table) == [
        (True, True)
    ]
    policies = ask("SELECT policyname, qual, with_check FROM pg_policies WHERE tablename = %s", table)
    owned = [(qual, check) for name, qual, check in policies if name == "owned"]
    assert len(owned) == 1
    for clause in owned[0]:
        assert "organization_id = ( SELECT (current_setting('app.org_id'::text))::uuid" in clause


@pytest.mark.parametrize("model", OWNED, ids=lambda m: m._meta.db_table)
def test_d5_every_unique_key_of_an_owned_table_names_the_organization(model: type[models.Model]):
    rows = ask(
        "SELECT i.relname, array_agg(a.attname::text) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
        "JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY(x.indkey) "
        "WHERE x.indrelid = %s::regclass AND x.indisunique GROUP BY 1",
        model._meta.db_table,
    )

    for name, columns in rows:
        assert "organization_id" in columns or set(columns) == {"id"}, name


def test_d5_foreign_keys_among_owned_tables_name_the_organization():
    tables = [model._meta.db_table for model in OWNED]
    rows = ask(
        "SELECT c.conname, array_agg(a.attname::text) FROM pg_constraint c "
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) "
        "WHERE c.contype = 'f' AND c.conrelid::regclass::text = ANY(%s) AND c.confrelid::regclass::text = ANY(%s) GROUP BY 1",
        tables,
        tables,
    )

    assert [name for name, columns in rows if "organization_id" not in columns] == []


def test_d6_partitions_are_closed_to_everyone():
    grants = ask(
        "SELECT grantee, table_name FROM information_schema.role_table_grants "
        "WHERE table_schema = 'partitions' AND grantee <> 'tt_owner'"
    )
    usage = ask(
        "SELECT has_schema_privilege(r, 'partitions', 'USAGE') FROM unnest(ARRAY['tt_app', 'tt_worker', 'tt_staff']) r"
    )

    assert grants == []
    assert usage == [(False,)] * 3


def test_d6_there_are_no_views_that_look_past_the_policies():
    assert ask("SELECT table_name FROM information_schema.views WHERE table_schema = 'public'") == []
    assert ask("SELECT matviewname FROM pg_matviews") == []


def test_d9_every_table_with_an_organization_is_owned():
    rows = ask(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'organization_id' AND table_schema = 'public'"
    )

    assert {name for (name,) in rows} == {model._meta.db_table for model in OWNED} | DIRECTORY


@pytest.mark.parametrize("table", sorted(DIRECTORY))
def test_d3_d4_a_directory_is_written_by_its_organization_alone(table: str):
    forced = ask("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table)
    clauses = ask("SELECT cmd, qual, with_check FROM pg_policies WHERE tablename = %s AND cmd <> 'SELECT'", table)

    assert forced == [(True, True)]
    assert {cmd for cmd, _, _ in clauses} == {"INSERT", "UPDATE", "DELETE"}
    for _, *tests in clauses:
        for test in filter(None, tests):
            assert re.fullmatch(r"\(organization_id = \(?NULLIF\(current_setting\('app.org_id'.*::uuid\)", test), test


@pytest.mark.parametrize("model", OWNED, ids=lambda m: m._meta.db_table)
def test_d10_every_owned_row_can_be_placed_by_its_organization(model: type[models.Model]):
    keys = ask(
        "SELECT x.indisprimary, array_agg(a.attname::text ORDER BY array_position(x.indkey::int[], a.attnum::int)) "
        "FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY(x.indkey) "
        "WHERE x.indrelid = %s::regclass AND x.indisunique GROUP BY x.indexrelid, x.indisprimary",
        model._meta.db_table,
    )
    primary = next(columns for is_primary, columns in keys if is_primary)
    unique = [columns for _, columns in keys]

    assert primary[0] == "organization_id" or (primary == ["id"] and ["organization_id", "id"] in unique)


def test_d10_no_owned_table_counts_up_and_no_code_listens_or_keeps_state_in_a_session():
    counting = ask(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c WHERE c.table_schema = 'public' "
        "AND c.table_name = ANY(%s) AND (c.is_identity = 'YES' OR c.column_default LIKE 'nextval%%')",
        [model._meta.db_table for model in OWNED],
    )
    of_a_session = re.compile(
        r"(?<!Mode\.)\b(?:LISTEN|NOTIFY|UNLISTEN)\s+\w|pg_(?:try_)?advisory_lock\b|\bSET SESSION\b"
    )
    modules = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    keeping = [f"{path.relative_to(ROOT)}" for path in modules if of_a_session.search(path.read_text())]

    assert counting == []
    assert keeping == []


def test_d11_rollups_leave_room_on_their_pages_and_rows_are_kept_by_day():
    rollups = [model for model in OWNED if issubclass(model, Rollup)]
    room = dict(
        ask("SELECT relname, reloptions FROM pg_class WHERE relname = ANY(%s)", [m._meta.db_table for m in rollups])
    )
    parent = ask(
        "SELECT partstrat, a.attname FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid "
        "AND a.attnum = p.partattrs[0] WHERE p.partrelid = 'usage_usagerecord'::regclass"
    )

    assert len(rollups) == 3
    assert room == {model._meta.db_table: ["fillfactor=70"] for model in rollups}
    assert parent == [("r", "day")]
    assert [field.column for field in UsageRecord._meta.pk_fields] == ["organization_id", "day", "id"]
    assert {UUID(str(uuid7())).version for _ in range(10)} == {7}
