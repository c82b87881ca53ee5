"""The real thing, started as `make run` starts it, and everything that may be killed under it."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.machine.installation import Installation, until

PROGRAMS = {
    "postgres": "bin/postgres",
    "redis": "valkey-server",
    "web": "gunicorn",
    "worker0": "worker0@tt",
    "beat": "tokentra.scheduler beat",
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("installation") / "var", TOKENTRA_SILENCE_SECONDS="20")
    installation.start_and_wait()
    yield installation
    if installation.main.poll() is None:
        installation.end()


def test_the_first_start_says_where_it_is_and_nothing_else(installation: Installation) -> None:
    assert installation.lines[:3] == [
        "TokenTra is starting",
        "a new database was made",
        f"TokenTra is ready: http://127.0.0.1:{installation.port}/",
    ]
    until(installation.is_ready, seconds=30, what="the first goes on")


def test_secrets_are_made_once_and_are_private(installation: Installation) -> None:
    secrets = installation.var / "secrets.env"

    assert secrets.stat().st_mode & 0o777 == 0o600
    assert "SECRET_KEY=" in secrets.read_text()


def test_a_command_works_beside_it(installation: Installation) -> None:
    said = installation.manage(
        "shell", "--no-imports", "-c", "from accounts.models import User; print(User.objects.count())"
    )

    assert said.strip() == "0"


def test_a_second_start_is_refused_while_the_first_lives(installation: Installation) -> None:
    second = Installation(installation.var)
    second.start()

    assert second.ended() == 1
    assert second.lines == [
        f"TokenTra does not start: it already runs with the data in {installation.var} (process {installation.main.pid})."
    ]
    until(installation.is_ready, seconds=30, what="the first goes on")


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    other = Installation(tmp_path / "var")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", other.port))
        holder.listen()
        other.start()
        code = other.ended()

    assert code == 1
    assert len(other.lines) == 1
    assert f"port {other.port} is in use" in other.lines[0]


def test_c11_there_are_several_workers_and_none_has_others_below_it(installation: Installation) -> None:
    until(lambda: installation.pids("worker0@tt") and installation.pids("worker1@tt"), seconds=60, what="two workers")
    workers = [psutil.Process(pid) for name in ("worker0@tt", "worker1@tt") for pid in installation.pids(name)]
    supervisors = installation.pids("machine.forking")

    assert len(workers) == 2
    for worker in workers:
        command = worker.cmdline()
        assert command[command.index("--pool") + 1] == "solo"
        assert worker.ppid() in supervisors
        assert worker.children() == []


def test_programs_share_what_they_have_loaded(installation: Installation) -> None:
    for words in ("gunicorn", "worker0@tt", "tokentra.scheduler beat"):
        [*processes] = map(psutil.Process, installation.pids(words))

        assert processes
        for process in processes:
            memory = process.memory_full_info()
            assert memory.rss - memory.uss > 64 * 2**20, process


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_killed_comes_back(installation: Installation, name: str) -> None:
    words = PROGRAMS[name]
    until(lambda: installation.pids(words), seconds=30, what=f"{name} runs")
    before = installation.pids(words)

    for pid in before:
        os.kill(pid, signal.SIGKILL)

    until(lambda: installation.pids(words) - before, seconds=30, what=f"{name} runs again")
    until(installation.is_ready, seconds=30, what="ready again")
    until(lambda: installation.said(f"{name} ended unexpectedly"), seconds=10, what="a line in the log")


@pytest.mark.parametrize("name", ["worker0", pytest.param("beat", marks=pytest.mark.long)])
def test_c12_what_fell_silent_is_started_again(installation: Installation, name: str) -> None:
    words = PROGRAMS[name]
    until(lambda: _hears("worker0", installation), seconds=60, what="a heartbeat")
    before = installation.pids(words)

    for pid in before:
        os.kill(pid, signal.SIGSTOP)

    until(lambda: installation.pids(words) - before, seconds=90, what=f"{name} runs again")
    assert installation.said(f"{name} was silent for 20 seconds and is started again")
    until(lambda: _hears("worker0", installation), seconds=60, what="a heartbeat again")


def test_what_a_killed_start_left_behind_is_cleared_by_the_next(installation: Installation) -> None:
    installation.end(signal.SIGKILL)
    left = {process.pid for process in installation.family()}
    assert left

    installation.start_and_wait()

    assert not left & {process.pid for process in installation.family()}


def test_data_is_kept_and_term_leaves_no_process(installation: Installation) -> None:
    with _database(installation) as database:
        database.execute("INSERT INTO accounts_heartbeat (worker, at) VALUES ('kept', now())")
    began = time.monotonic()

    code = installation.end()

    assert code == 0
    assert time.monotonic() - began < 25
    assert installation.family() == []
    installation.start_and_wait()
    with _database(installation) as database:
        assert database.execute("SELECT count(*) FROM accounts_heartbeat WHERE worker = 'kept'").fetchone() == (1,)
    assert "a new database was made" not in installation.lines


def test_d17_a_command_that_finds_the_database_down_starts_it_and_ends_it(installation: Installation) -> None:
    installation.end()

    said = installation.manage(
        "shell", "--no-imports", "-c", "from accounts.models import User; print(User.objects.count())"
    )

    assert said.strip() == "0"
    assert installation.family() == []


def _database(installation: Installation) -> psycopg.Connection[tuple[object, ...]]:
    socket_dir = (installation.var / "postgres" / "postmaster.pid").read_text().splitlines()[4]
    return psycopg.connect(host=socket_dir, user="tt_worker", dbname="tokentra")


def _hears(worker: str, installation: Installation) -> bool:
    query = "SELECT count(*) FROM accounts_heartbeat WHERE worker = %s AND at > now() - interval '9 seconds'"
    with _database(installation) as database:
        return database.execute(query, [worker]).fetchone() == (1,)
