"""With DATABASE_URL and REDIS_URL nothing embedded is started, and what holds everything together may be killed too."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.machine.clusters import Cluster, cluster
from tests.machine.installation import Installation, until

KEYS = {"SECRET_KEY": "x" * 50, "TOKENTRA_ENCRYPTION_KEYS": "dGhpcnR5LXR3byBieXRlcywgb25seSBmb3IgdGVzdHM="}


@pytest.fixture
def server() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory() as directory, cluster(Path(directory) / "operator") as made:
        yield made


@pytest.mark.long
def test_an_operators_services_are_used(server: Cluster, tmp_path: Path) -> None:
    url = server.make_login("tokentra", "CREATEROLE")
    installation = Installation(tmp_path / "var", DATABASE_URL=url, REDIS_URL=os.environ["REDIS_URL"], **KEYS)

    installation.start_and_wait()
    supervisor = installation.pids("machine.forking")
    for pid in supervisor:
        os.kill(pid, signal.SIGKILL)
    until(
        lambda: len([line for line in installation.lines if "is ready" in line]) == 2,
        seconds=60,
        what="ready again",
    )
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE tableowner = 'tt_owner'").fetchone()
    code = installation.end()

    assert installation.said("the supervisor ended unexpectedly")
    assert tables is not None
    assert tables[0] > 20
    assert not (tmp_path / "var" / "postgres").exists()
    assert not (tmp_path / "var" / "secrets.env").exists()
    assert not [line for line in installation.lines if "operator@" in line or KEYS["SECRET_KEY"] in line]
    assert code == 0
    assert installation.family() == []
