"""Talk to the running supervisor through its socket."""

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


class Control:
    def __init__(self, socket: Path) -> None:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{socket}")
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
