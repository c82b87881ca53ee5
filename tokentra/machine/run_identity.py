"""One installation runs once: who holds it, and which processes an earlier run has left behind."""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tokentra.machine import forking, places, postgres
from tokentra.machine.refusal import Refusal

VARIABLE = "TOKENTRA_RUN"  # every process of a run carries it in its environment


@contextmanager
def claimed(path: Path) -> Iterator[str]:
    """Hold the installation, ending first what a killed run has left. The lock ends with this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        file.seek(0)
        earlier = file.read().strip()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = earlier.partition("-")[0]
            raise Refusal(f"it already runs with the data in {path.parent} (process {pid})") from None
        if earlier:
            clear(earlier)
        run = f"{os.getpid()}-{time.time_ns()}"
        file.truncate(0)
        file.write(run)
        file.flush()
        os.environ[VARIABLE] = run
        try:
            yield run
        finally:
            clear(run)
            file.truncate(0)


def clear(run: str) -> int:
    """End every process of a run; returns how many there were."""
    found = _of(run)
    for leader in [process for process in found if _is_supervisor(process)]:
        _ask(leader)
        psutil.wait_procs([leader], timeout=30)
    rest = [process for process in found if process.is_running() and process.name() != "postgres"]
    for process in rest:
        _ask(process)
    _, alive = psutil.wait_procs(rest, timeout=5)
    for process in alive:
        _ask(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)
    if any(process.name() == "postgres" for process in found if process.is_running()):
        postgres.stop(places.POSTGRES_DATA)
    return len(found)


def _of(run: str) -> list[psutil.Process]:
    others = [process for process in psutil.process_iter(["environ"]) if process.pid != os.getpid()]
    return [process for process in others if (process.info["environ"] or {}).get(VARIABLE) == run]


def _is_supervisor(process: psutil.Process) -> bool:
    try:
        return forking.MODULE in process.cmdline()
    except psutil.Error:
        return False


def _ask(process: psutil.Process, number: signal.Signals = signal.SIGTERM) -> None:
    try:
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass
