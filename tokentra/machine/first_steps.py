"""What a database needs before the programs start: roles, tables, prices. Skipped when nothing changed."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tokentra.machine import grants, places
from tokentra.machine.refusal import Refusal
from tokentra.machine.roles import OWNER, as_role

STAMP = places.VAR / "prepared.json"
STEPS = ("migrate", "load_prices")
SOURCES = {".py", ".json", ".csv", ".sql"}
APPLIED = b"SELECT md5(coalesce(string_agg(app || name || applied, ',' ORDER BY id), '')) FROM django_migrations"


def take(stamp: Path) -> None:
    """Needs a database that answers."""
    if given := os.environ.get("DATABASE_URL"):
        grants.prepare_external(given)
    else:
        grants.prepare_embedded(places.POSTGRES_DATA)
    code = _code()
    if _read(stamp) == {"code": code, "applied": _applied()}:
        return
    for step in STEPS:
        if step == "migrate" or any(places.ROOT.glob(f"*/management/commands/{step}.py")):
            _run(step)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps({"code": code, "applied": _applied()}))


def _run(step: str) -> None:
    environment = os.environ | {"TOKENTRA_DB_ROLE": "owner"}
    command = [sys.executable, str(places.ROOT / "manage.py"), step, "--verbosity", "0"]
    if subprocess.run(command, env=environment, check=False).returncode:
        raise Refusal(f"manage.py {step} failed; the lines above say why")


def _code() -> str:
    """Of everything that a migration or the price book could depend on."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(f"{path.relative_to(places.ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield places.ROOT / "requirements" / "run.txt"
    for package in places.ROOT.glob("*/__init__.py"):
        if package.parent.name != "tests":
            yield from (path for path in package.parent.rglob("*") if path.suffix in SOURCES)


def _applied() -> object:
    """Which migrations this very database has had, and when."""
    given = os.environ.get("DATABASE_URL")
    url = as_role(given, OWNER) if given else places.embedded_database_url(OWNER)
    with psycopg.connect(url) as connection:
        try:
            row = connection.execute(APPLIED).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def _read(stamp: Path) -> object:
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    try:
        take(STAMP)
    except Refusal as refusal:
        sys.exit(f"TokenTra does not start: {refusal}.")
