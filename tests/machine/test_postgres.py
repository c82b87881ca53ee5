"""The embedded Postgres by itself: where it can live, who may enter, how commands share it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.machine.installation import until
from tokentra.machine import borrowed_postgres, places, postgres
from tokentra.machine.refusal import Refusal


@pytest.fixture
def data() -> Iterator[Path]:
    """Below a directory that only its owner may enter, as a checkout in somebody's home is."""
    with tempfile.TemporaryDirectory() as private:
        yield Path(private) / "var" / "postgres"


def _ask(data: Path, query: bytes, **login: str) -> object:
    given = {"user": "postgres", "dbname": "postgres"} | login
    with psycopg.connect(host=str(places.socket_dir(data)), **given) as connection:  # type: ignore[arg-type]  # texts
        return connection.execute(query).fetchone()


def test_it_lives_below_a_directory_that_its_user_may_not_enter(data: Path) -> None:
    with borrowed_postgres.borrowed(data) as is_new:
        assert is_new
        assert _ask(data, b"SELECT 1") == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_a_stranger_on_the_machine_is_refused(data: Path) -> None:
    with borrowed_postgres.borrowed(data):
        psql = str(postgres.binaries() / "psql")
        command = [
            psql,
            "-h",
            str(places.socket_dir(data)),
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-c",
            "SELECT 1",
        ]
        stranger = subprocess.run(command, user="games", cwd="/", capture_output=True, text=True, check=False)

    assert stranger.returncode != 0
    assert "Peer authentication failed" in stranger.stderr


def test_commands_share_one_server_and_the_last_one_ends_it(data: Path) -> None:
    with borrowed_postgres.borrowed(data):
        first = postgres.running(data)
        with borrowed_postgres.borrowed(data) as is_new:
            assert not is_new
        assert postgres.running(data) == first
        assert _ask(data, b"SELECT 1") == (1,)

    assert postgres.running(data) is None


def test_a_supervised_start_waits_for_commands_and_takes_over_from_a_killed_one(data: Path) -> None:
    with borrowed_postgres.borrowed(data):
        pass
    data.with_name(borrowed_postgres.MARK).touch()
    postgres.prepare(data)
    left = subprocess.Popen(postgres.program(data), start_new_session=True)
    postgres.wait(data)

    with borrowed_postgres.handed_over(data, print):
        until(lambda: left.poll() is not None, seconds=10, what="the left server ended")
        assert postgres.running(data) is None


def test_e14_it_writes_down_no_statement_and_no_parameter(db: None) -> None:
    told = {}
    with connection.cursor() as cursor:
        for name in ("log_parameter_max_length", "log_parameter_max_length_on_error", "log_min_error_statement"):
            cursor.execute(f"SHOW {name}")
            told[name] = cursor.fetchone()[0]

    assert told == {
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_min_error_statement": "panic",
    }


def test_a_half_made_cluster_is_made_again(data: Path) -> None:
    half = data.with_name("postgres.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    with borrowed_postgres.borrowed(data):
        assert _ask(data, b"SHOW server_encoding") == ("UTF8",)
    assert not half.exists()


def test_a_socket_directory_of_somebody_else_is_refused(data: Path) -> None:
    trap = places.socket_dir(data)
    trap.mkdir(mode=0o777)
    trap.chmod(0o777)

    with pytest.raises(Refusal, match="belongs to somebody else"):
        postgres.prepare(data)
    trap.rmdir()
