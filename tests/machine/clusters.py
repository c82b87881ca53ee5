"""A second Postgres, reached over TCP with passwords as an operator's is."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.machine.installation import free_port, until
from tokentra.machine import places, postgres


@dataclass(frozen=True)
class Cluster:
    data: Path
    port: int

    def superuser(self, dbname: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        host = str(places.socket_dir(self.data))
        return psycopg.connect(host=host, port=self.port, user="postgres", dbname=dbname, autocommit=True)

    def url(self, login: str, password: str, dbname: str) -> str:
        return f"postgresql://{login}:{password}@127.0.0.1:{self.port}/{dbname}"

    def make_login(self, name: str, options: str = "") -> str:
        """A login and a database of its own; returns the address of both."""
        with self.superuser() as superuser:
            superuser.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'operator' {options}".encode())
            superuser.execute(f"CREATE DATABASE {name} OWNER {name}".encode())
        return self.url(name, "operator", name)

    def forget(self, *names: str) -> None:
        with self.superuser() as superuser:
            for name in names:
                superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            for role in ("tt_worker", "tt_app", "tt_owner", "tt_sweep", "tt_staff", *names):
                superuser.execute(f"DROP ROLE IF EXISTS {role}".encode())


@contextmanager
def cluster(data: Path, *settings: str) -> Iterator[Cluster]:
    made = Cluster(data, free_port())
    postgres.prepare(data)
    (data / "pg_hba.conf").write_text("local all all peer map=tokentra\nhost all all 127.0.0.1/32 scram-sha-256\n")
    user = postgres.server_user()
    command = [str(postgres.binaries() / "postgres"), "-D", str(data), "-k", str(places.socket_dir(data))]
    for setting in ("listen_addresses=127.0.0.1", f"port={made.port}", "log_min_messages=fatal", *settings):
        command += ["-c", setting]
    data.parent.chmod(0o755)
    server = subprocess.Popen(
        command,
        cwd=data,
        user=user.pw_uid if user else os.geteuid(),
        group=user.pw_gid if user else os.getegid(),
        extra_groups=[] if user else None,
    )
    try:
        until(lambda: _answers(made), seconds=30, what="the second Postgres")
        yield made
    finally:
        postgres.stop(data)
        server.wait(30)
        places.socket_dir(data).rmdir()


def _answers(made: Cluster) -> bool:
    try:
        made.superuser().close()
    except psycopg.OperationalError:
        return False
    return True
