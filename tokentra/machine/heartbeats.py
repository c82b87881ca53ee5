"""Which workers are silent: a living process proves nothing, a task that came through the queue does."""

import os
import sys

import psycopg

from tokentra.machine import places
from tokentra.machine.programs import worker_names
from tokentra.machine.roles import WORKER, as_role

SILENCE = float(os.environ.get("TOKENTRA_SILENCE_SECONDS") or 60)
INTERVAL = min(15.0, SILENCE / 4)
# By the worker's own clock, which may be a day off: a beat that it took for old would make it silent for ever.
KEPT_FOR = 2 * 24 * 3600
AGES = b"SELECT worker, extract(epoch FROM clock_timestamp() - at)::float FROM accounts_heartbeat"


def task(worker: str) -> str:
    return f"tokentra.machine.heartbeat.{worker}"


def queue(worker: str) -> str:
    """That worker alone reads it."""
    return f"heartbeat.{worker}"


def silent(names: tuple[str, ...]) -> set[str]:
    """Of these workers, none while the database does not answer: then it is not they who are silent."""
    given = os.environ.get("DATABASE_URL")
    ages: dict[str, float]
    url = as_role(given, WORKER) if given else places.embedded_database_url(WORKER)
    try:
        with psycopg.connect(url, connect_timeout=2, options="-c statement_timeout=2000") as connection:
            ages = dict(connection.execute(AGES).fetchall())
    except psycopg.Error:
        return set()
    return {name for name in names if ages.get(name, SILENCE + 1) > SILENCE}


if __name__ == "__main__":  # a health check: of one worker, or of the scheduler that rings for them all
    asked = tuple(sys.argv[1:]) or worker_names()
    sys.exit("silent" if silent(asked) == set(asked) else 0)
