#!/usr/bin/env python3
"""Every command, with the database that it needs: the embedded one is started when nothing else runs it."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

WITHOUT_DATABASE = {
    *("help", "version", "--help", "--version", "check", "collectstatic", "findstatic", "diffsettings"),
    *("makemigrations", "makemessages", "compilemessages", "startapp", "startproject"),
}
AS_OWNER = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations", "sqlflush"}


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")
    os.environ.setdefault("TOKENTRA_DB_ROLE", "owner" if command in AS_OWNER else "worker")

    from django.core.management import execute_from_command_line

    from tokentra.machine.refusal import Refusal

    needs_database = command not in WITHOUT_DATABASE and "--help" not in sys.argv
    try:
        with _database(command) if needs_database else nullcontext():
            execute_from_command_line(sys.argv)
    except Refusal as refusal:
        sys.exit(f"manage.py cannot run: {refusal}.")


@contextmanager
def _database(command: str) -> Iterator[None]:
    from tokentra.machine import borrowed_postgres, first_steps, grants, places

    if given := os.environ.get("DATABASE_URL"):
        if command == "migrate":
            grants.prepare_external(given)
        yield
        return
    with borrowed_postgres.borrowed(places.POSTGRES_DATA) as is_new:
        if is_new and command not in AS_OWNER:
            first_steps.take(first_steps.STAMP)
        elif is_new:
            grants.prepare_embedded(places.POSTGRES_DATA)
        yield


def _enter_environment() -> None:
    """Typed as ./manage.py, the command finds the packages where `make run` has put them."""
    python = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    if importlib.util.find_spec("django"):
        return
    if not python.exists():
        sys.exit("manage.py cannot run: the packages are not installed yet; run make build first.")
    os.execv(python, [str(python), *sys.argv])  # noqa: S606  # that is the purpose


if __name__ == "__main__":
    _enter_environment()
    main()
