"""`make bench`: speed and memory of the whole product, with the machine and the commit beside each figure."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

SECTIONS = ("sync", "dashboard", "weight")


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench")
    arguments.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="all of them when none is named")
    arguments.add_argument("--rows", type=int, default=10_000_000, help="usage rows of the large organization")
    chosen = arguments.parse_args()
    print(machine(), flush=True)
    reached = True
    for section in chosen.sections or SECTIONS:
        with tempfile.TemporaryDirectory(prefix="tt-bench-") as directory:
            os.chmod(directory, 0o755)  # the database's own user goes through it
            module = __import__(f"tests.bench.{section}", fromlist=["run"])
            for figure in module.run(Path(directory), rows=chosen.rows):
                print(figure, flush=True)
                reached = reached and figure.is_reached
    return 0 if reached else 1


def machine() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"machine: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()} · commit {commit.stdout.strip() or 'none'} · load {os.getloadavg()[0]:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
