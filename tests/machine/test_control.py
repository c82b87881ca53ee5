"""The supervisor is knocked at as soon as it listens, and the web has everything before its first request."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

from tests.machine.installation import ROOT, clean_environment
from tokentra.machine.control import wake

SECRETS = {"SECRET_KEY": "x" * 50, "TOKENTRA_ENCRYPTION_KEYS": "dGhpcnR5LXR3byBieXRlcywgb25seSBmb3IgdGVzdHM="}


def test_whoever_begins_to_listen_is_called_at_once(tmp_path: Path):
    address = tmp_path / "supervisor.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(address))  # as a killed supervisor leaves it behind
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(10)

        def listen() -> None:
            address.unlink()
            server.bind(str(address))
            server.listen()

        began = time.monotonic()
        Timer(0.2, listen).start()
        wake(address)
        took = time.monotonic() - began
        server.accept()[0].close()

    assert 0.2 <= took < 5


def test_nobody_is_waited_for_for_ever(tmp_path: Path):
    began = time.monotonic()

    wake(tmp_path / "nobody.sock", seconds=0.1)

    assert time.monotonic() - began < 5


def test_all_pages_are_there_before_the_server_forks(tmp_path: Path):
    asked = "import sys, tokentra.wsgi; print(*(name in sys.modules for name in ('usage.views', 'providers.admin')))"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT,
        env=clean_environment(TOKENTRA_VAR=str(tmp_path), **SECRETS),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["True", "True"]
