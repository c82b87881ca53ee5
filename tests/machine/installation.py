"""A whole installation in a directory of its own, driven from outside as a person at a terminal would."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
OURS = ("TOKENTRA_", "DJANGO_", "PYTEST_", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PORT", "DEMO")


def clean_environment(**more: str) -> dict[str, str]:
    """What a person's terminal has: nothing of the tests' own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | more


def until(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        pause.wait(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    def __init__(self, var: Path, **environment: str) -> None:
        self.var, self.port = var, free_port()
        self.environment = clean_environment(TOKENTRA_VAR=str(var), PORT=str(self.port), **environment)
        self.lines: list[str] = []

    def start(self) -> None:
        self.lines = []
        self.main = subprocess.Popen(
            [sys.executable, "-m", "tokentra.machine.supervise"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def start_and_wait(self) -> None:
        self.start()
        until(lambda: self.said("is ready") or self.main.poll() is not None, seconds=90, what="ready")
        assert self.main.poll() is None, self.lines

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.main.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        code = self.main.wait(60)
        self.reader.join(10)
        return code

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def pids(self, words: str) -> set[int]:
        """Of the supervisor's children (or of the supervisor) whose command has these words."""
        return {process.pid for process in self.family() if words in " ".join(_command(process))}

    def family(self) -> list[psutil.Process]:
        """Every process that knows this installation's directory, and the children of those."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter(["environ"]):
            if (process.info["environ"] or {}).get("TOKENTRA_VAR") == str(self.var):
                found[process.pid] = process
        return list(found.values())

    def _read(self) -> None:
        for line in self.main.stdout or ():
            self.lines.append(line.rstrip())


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
