"""`make bench`: speed and memory of the whole product, with the machine and the commit beside each figure."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

SECTIONS = (
    "sync",
    "dashboard",
    "funnel",
    "weight",
    "onboarding",
    "first_event",
    "ingest",
    "filling",
    "otlp",
    "sdk",
    "sdk_node",
    "forecast",
    "anomaly",
    "budgets",
    "check",
)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench")
    arguments.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="all of them when none is named")
    arguments.add_argument("--rows", type=int, default=10_000_000, help="usage rows of the large organization")
    arguments.add_argument("--keep", type=Path, help="where the dashboard's installations stay and are found again")
    chosen = arguments.parse_args()
    print(machine(), flush=True)
    reached = True
    for section in chosen.sections or SECTIONS:
        module = __import__(f"tests.bench.{section}", fromlist=["run"])
        with place(chosen.keep if section == "dashboard" else None) as directory:
            for figure in module.run(directory, rows=chosen.rows):
                print(figure, flush=True)
                reached = reached and figure.is_reached
    return 0 if reached else 1


@contextmanager
def place(kept: Path | None) -> Generator[Path]:
    """A directory that the database's own user may go through; gone afterwards unless it was named."""
    with ExitStack() as stack:
        directory = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tt-bench-")))
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        yield directory


def machine() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"machine: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()} · commit {commit.stdout.strip() or 'none'} · load {os.getloadavg()[0]:.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
