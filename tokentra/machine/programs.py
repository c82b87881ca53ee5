"""The programs of an installation and their commands, for the supervisor and docker-compose.yml alike."""

import os
import sys
from dataclasses import dataclass

from tokentra.machine import places, postgres, redis


@dataclass(frozen=True)
class Program:
    name: str
    command: tuple[str, ...]
    priority: int  # started in this order, stopped in the reverse
    stop_seconds: int
    stop_signal: str = "TERM"
    environment: tuple[tuple[str, str], ...] = ()


# What a very large request or statement needed goes back to the system and is not kept for the next, by each thread.
# Up to a MiB stays: to fetch it again for every request of a thousand events took a seventh of what those cost.
GIVES_BACK = {"MALLOC_TRIM_THRESHOLD_": "1048576", "MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_ARENA_MAX": "1"}


def worker_names() -> tuple[str, ...]:
    return tuple(f"worker{number}" for number in range(int(os.environ.get("TOKENTRA_WORKERS") or 2)))


def services() -> tuple[Program, ...]:
    """Those that an operator's DATABASE_URL and REDIS_URL replace."""
    found = []
    if not os.environ.get("DATABASE_URL"):
        command = tuple(postgres.program(places.POSTGRES_DATA))
        found.append(Program("postgres", command, 1, 30, stop_signal="INT"))
    if not os.environ.get("REDIS_URL"):
        found.append(Program("redis", tuple(redis.program(places.REDIS_DATA)), 10, 10))
    return tuple(found)


def own(address: str) -> tuple[Program, ...]:
    return (
        *(Program(name, worker(name), 20, 20, environment=as_role("worker")) for name in worker_names()),
        Program("web", web(address), 30, 8, environment=as_role("app")),
        Program("beat", beat(), 40, 5, environment=as_role("worker")),
    )


def as_role(role: str) -> tuple[tuple[str, str], ...]:
    """As which database role it acts."""
    return (("TOKENTRA_DB_ROLE", role),)


def web(address: str) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "gunicorn", "tokentra.wsgi", "--bind", address, "--preload"),
        *("--worker-class", "tokentra.machine.web_worker.Worker", "--workers", "2", "--threads", "5"),
        *("--graceful-timeout", "5"),
        *("--log-level", "warning", "--forwarded-allow-ips", "", "--no-control-socket"),
    )


def worker(name: str) -> tuple[str, ...]:
    return (
        *(
            sys.executable,
            "-m",
            "celery",
            "-q",
            "-A",
            "tokentra",
            "--skip-checks",
            "worker",
            "--pool",
            "solo",
            "-l",
            "warning",
        ),
        *("--without-gossip", "--without-mingle", "-n", f"{name}@tt", "-Q", f"default,heartbeat.{name}"),
    )


def beat() -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-q", "-A", "tokentra.scheduler", "beat", "-l", "warning", "--pidfile=")
