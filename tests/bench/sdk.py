"""What the SDK for Python costs a program: time of its own thread for each call, and memory."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure

PROGRAM = Path(__file__).parents[2] / "sdks" / "python" / "benchmark.py"


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    command = [sys.executable, "-W", "ignore", str(PROGRAM)]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as measuring:
        for line in measuring.stdout or ():
            yield Figure(**json.loads(line))
    if measuring.returncode:
        raise subprocess.CalledProcessError(measuring.returncode, command)
