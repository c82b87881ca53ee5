"""Migrated once for a run: the first process that needs the database makes it, the others copy it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.db import connections
from psycopg import sql

from tests.embedded_plugin import JOINED

MIGRATED = "migrated"


@contextmanager
def turn() -> Iterator[None]:
    """Held by one process of the run at a time."""
    with (Path(os.environ[JOINED]) / "database.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch() -> bool:
    """Copy the run's migrated database to where this process looks for its own; False when there is none yet."""
    if not superuser().execute("SELECT 1 FROM pg_database WHERE datname = %s", [MIGRATED]).fetchone():
        return False
    copy(MIGRATED, connections["owner"].creation._get_test_db_name())
    return True


def offer() -> None:
    """Let other processes copy this one's database, which nothing has written to yet."""
    for connection in connections.all():
        connection.close()
    copy(connections["owner"].settings_dict["NAME"], MIGRATED)


def copy(source: str, target: str) -> None:
    names = sql.Identifier(target), sql.Identifier(source), sql.Identifier("tt_owner")
    superuser().execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(*names))


def superuser() -> psycopg.Connection[tuple[object, ...]]:
    host = connections["owner"].settings_dict["HOST"]
    return psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True)
