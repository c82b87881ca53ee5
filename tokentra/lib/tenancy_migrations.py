"""Migration operations that put the second wall around a table.

A right is taken back once the table is locked: taking it changes the table's row in the catalogue and locks
nothing, and a vacuum that has the table waits for that row while the migration waits for the vacuum.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

OWNED = "organization_id = (SELECT current_setting('app.org_id')::uuid)"


class Policies(migrations.RunSQL):
    """SQL that puts policies on tables, once the tables have their foreign keys.

    Django adds foreign keys at the end of a migration, and validating one reads the table as its owner,
    whom a forced policy binds.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        waiting, schema_editor.deferred_sql = schema_editor.deferred_sql, []
        for sql in waiting:
            schema_editor.execute(sql)
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def owned_policies(*tables: str) -> Policies:
    """Row-level security for owned tables: absence of an organization raises, staff may only read."""
    forward: list[Any] = []
    backward: list[Any] = []
    for table in tables:
        forward += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY owned ON {table} TO tt_app, tt_owner USING ({OWNED}) WITH CHECK ({OWNED})",
            f"CREATE POLICY staff ON {table} FOR SELECT TO tt_staff USING (true)",
            f"GRANT SELECT ON {table} TO tt_staff",
        ]
        backward = [
            f"DROP POLICY staff ON {table}",
            f"DROP POLICY owned ON {table}",
            f"REVOKE SELECT ON {table} FROM tt_staff",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            *backward,
        ]
    return Policies(forward, backward)


def marks_for_the_sweep(seen: Mapping[str, str]) -> migrations.RunSQL:
    """The sweep sees of every organization that something is due, and nothing else: table to columns."""
    forward: list[Any] = []
    backward: list[Any] = []
    for table, columns in seen.items():
        forward += [
            f"CREATE POLICY sweep ON {table} FOR SELECT TO tt_sweep USING (true)",
            f"GRANT SELECT ({columns}) ON {table} TO tt_sweep",
        ]
        backward += [f"DROP POLICY sweep ON {table}", f"REVOKE SELECT ({columns}) ON {table} FROM tt_sweep"]
    return migrations.RunSQL(forward, backward)


def narrow_rollup(*tables: str, filled: int = 70) -> migrations.RunSQL:
    """Room on each page of a rollup for rows that are written again in place."""
    return migrations.RunSQL(
        [f"ALTER TABLE {table} SET (fillfactor = {filled})" for table in tables],
        [f"ALTER TABLE {table} RESET (fillfactor)" for table in tables],
    )


class OwnedForeignKey(Operation):
    """A foreign key between owned tables that cannot point into another organization.

    Row-level security binds the table's owner too, and validating a constraint under it either raises
    or passes over foreign rows; so the policy is suspended for the owner while the key is made, in the
    migration's own transaction.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, column: str, references: str) -> None:
        self.table, self.column, self.references = table, column, references

    @property
    def name(self) -> str:
        return f"{self.table}_{self.column}_owned_fk"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        return None

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        suspended = [table for table in (self.table, self.references) if self._is_forced(schema_editor, table)]
        for table in suspended:
            schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(
            f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} "
            f"FOREIGN KEY (organization_id, {self.column}) REFERENCES {self.references} (organization_id, id) "
            "DEFERRABLE INITIALLY DEFERRED"
        )
        for table in suspended:
            schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        schema_editor.execute(f"ALTER TABLE {self.table} DROP CONSTRAINT {self.name}")

    def describe(self) -> str:
        return f"Owned foreign key {self.table}.{self.column} to {self.references}"

    def deconstruct(self) -> tuple[str, Sequence[str], dict[str, str]]:
        return self.__class__.__name__, [self.table, self.column, self.references], {}

    @staticmethod
    def _is_forced(schema_editor: BaseDatabaseSchemaEditor, table: str) -> bool:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", [table])
            return bool(cursor.fetchone()[0])


class CreatePartitionedModel(migrations.CreateModel):
    """CreateModel for a table that is partitioned by range of its `day`."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        apps: Apps = to_state.apps
        model = apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        sql, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{sql} PARTITION BY RANGE (day)", params or None)
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))  # type: ignore[attr-defined]  # CreateModel's own step
