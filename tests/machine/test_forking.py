"""What is forked from the supervisor is as good as executed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.installation import ROOT, clean_environment
from tokentra.machine import forking

SECRETS = {"SECRET_KEY": "x" * 50, "TOKENTRA_ENCRYPTION_KEYS": "dGhpcnR5LXR3byBieXRlcywgb25seSBmb3IgdGVzdHM="}
COMMAND = [sys.executable, "-m", "tests.machine.shown", "--words", "of its own"]
BECOME = """
import atexit, signal, sys
from tokentra.machine import forking

signal.signal(signal.SIGTERM, lambda *_: None)
forking.NEEDED["tests.machine.shown"] = ("tokentra.urls",)
forking.load("tests.machine.shown")
atexit.register(print, "and this")
forking.Options().execve(sys.executable, {command}, {environment})
"""
LOAD = "from tokentra.machine import forking; forking.load('gunicorn'); print(forking._loaded)"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere programs are executed")


def told(program: str, var: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, forking.ROOM],
        cwd=ROOT,
        env=clean_environment(TOKENTRA_VAR=str(var), **environment),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_forked_program_has_its_own_command_environment_role_and_end(tmp_path: Path) -> None:
    environment = {"TOKENTRA_DB_ROLE": "worker", "ONLY": "this"}

    done = told(BECOME.format(command=COMMAND, environment=environment), tmp_path, **SECRETS)

    assert done.returncode == 7, done.stderr
    said, and_this = done.stdout.splitlines()
    assert and_this == "and this"
    assert json.loads(said) == {
        "argv": COMMAND[3:],
        "command": COMMAND,
        "environment": environment,
        "role": "tt_worker",
        "stops": [True, True],
    }


def test_what_cannot_be_loaded_is_left_to_be_executed(tmp_path: Path) -> None:
    loaded = told(LOAD, tmp_path, **SECRETS)
    refused = told(LOAD, tmp_path, **SECRETS, TOKENTRA_TRUSTED_PROXIES="many")

    assert loaded.stdout.strip() == "{'gunicorn': True}", loaded.stderr
    assert refused.stdout.strip() == "{'gunicorn': False}", refused.stderr
