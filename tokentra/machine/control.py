"""Talk to the running supervisor through its socket."""

import socket
import time
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport


@dataclass(frozen=True)
class State:
    pid: int
    is_up: bool
    seconds_up: int


def wake(address: Path, *, seconds: float = 30) -> None:
    """Knock until the supervisor listens: before it starts anything it sleeps for a second, unless somebody does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(address)) == 0:
                return
        time.sleep(0.02)


class Control:
    def __init__(self, address: Path) -> None:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{address}")
        self._calls: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def start(self, name: str) -> None:
        self._calls.startProcess(name, False)

    def stop(self, name: str, *, wait: bool = True) -> None:
        with suppress(xmlrpc.client.Fault):  # it was not running
            self._calls.stopProcess(name, wait)

    def kill(self, name: str) -> None:
        """Supervisor starts it again. One that sleeps would not hear a polite request."""
        with suppress(xmlrpc.client.Fault):
            self._calls.signalProcess(name, "KILL")

    def states(self) -> dict[str, State]:
        return {
            info["name"]: State(info["pid"], info["statename"] == "RUNNING", info["now"] - info["start"])
            for info in self._calls.getAllProcessInfo()
        }
