"""What each database role may touch, set before the first table is made."""

from typing import Any

from django.apps import AppConfig
from django.db import connections

STATEMENTS = (
    "CREATE SCHEMA IF NOT EXISTS partitions",
    "GRANT USAGE ON SCHEMA public TO tt_app, tt_staff, tt_sweep",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tt_app",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO tt_app",
)


def prepare_schema(sender: AppConfig, using: str, **_: Any) -> None:
    """Partitions get a schema that nobody else may use; new tables open to the app, not to staff or sweep."""
    if sender.label != "accounts":
        return
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT current_user, to_regrole('tt_app') IS NOT NULL")
        role, is_prepared = cursor.fetchone()
        if role != "tt_owner" or not is_prepared:
            raise RuntimeError(f"Migrations run as tt_owner, with the roles made first; this is {role}.")
        for statement in STATEMENTS:
            cursor.execute(statement)
