"""A web process of a product that draws the page named on each line it reads, and answers what that took.

Runs as a program of its own (`python -m tests.bench.drawing`) in the environment of a product. What is measured is
the application alone: from the WSGI call to the last byte of its answer, all middleware and compression included,
the socket and gunicorn left out.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from wsgiref.util import setup_testing_defaults

import psutil

from tests.product import ROOT, Product


@dataclass(frozen=True)
class Drawn:
    """Milliseconds by the clock, and those that this process and its database session computed; queries."""

    wall: float
    web: float
    database: float
    queries: int


class Drawer:
    """The other end: starts the program beside a product and asks it for pages."""

    def __init__(self, product: Product, cookies: str) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.drawing"],
            cwd=ROOT,
            env=product.env | {"TOKENTRA_DB_ROLE": "app", "COOKIES": cookies},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Drawer":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.program.communicate()

    def draw(self, address: str) -> Drawn:
        assert self.program.stdin
        assert self.program.stdout
        self.program.stdin.write(f"{address}\n")
        self.program.stdin.flush()
        return Drawn(**json.loads(self.program.stdout.readline()))


def main() -> None:
    from django.db import connection

    from tokentra.wsgi import application

    connection.settings_dict["CONN_MAX_AGE"] = None  # one session, whose processor time is looked at
    for line in sys.stdin:
        print(json.dumps(measured(application, *line.strip().split("?"))), flush=True)


def measured(application: Any, path: str, query: str) -> dict[str, float]:
    from django.db import connection

    connection.ensure_connection()
    session = psutil.Process(connection.connection.info.backend_pid)
    asked = []

    def count(execute: Any, *statement: Any) -> Any:
        if not statement[0].startswith(("SET", "SAVEPOINT", "RELEASE")):
            asked.append(statement[0])
        return execute(*statement)

    with connection.execute_wrapper(count):
        before, of_session, begun = time.process_time(), session.cpu_times(), time.perf_counter()
        status = get(application, path, query)
        wall, web = time.perf_counter() - begun, time.process_time() - before
    after = session.cpu_times()
    assert status.startswith("200"), status
    database = after.user + after.system - of_session.user - of_session.system
    return {"wall": wall * 1000, "web": web * 1000, "database": database * 1000, "queries": len(asked)}


def get(application: Any, path: str, query: str) -> str:
    asked: dict[str, Any] = {
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": os.environ["COOKIES"],
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_ENCODING": "gzip",
        "HTTP_USER_AGENT": "Mozilla/5.0 (bench)",
        "REMOTE_ADDR": "127.0.0.1",
    }
    setup_testing_defaults(asked)
    answered: list[str] = []
    body = application(asked, lambda status, headers: answered.append(status))
    for _ in body:
        pass
    body.close()
    return answered[0]


if __name__ == "__main__":
    main()
