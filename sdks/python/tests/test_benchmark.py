"""The benchmark measures what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from families import FAMILIES

PROGRAM = Path(__file__).resolve().parent.parent / "benchmark.py"


@pytest.mark.long
def test_it_measures_a_call_of_every_family_and_memory():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", PROGRAM, "--calls", "5"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )

    figures = [json.loads(line) for line in done.stdout.splitlines()]
    names = [figure["name"] for figure in figures]
    assert all(f"a call of {name}, p99" in names for name in FAMILIES)
    assert len([name for name in names if name.startswith("memory")]) == 4
    assert all(figure["value"] > 0 for figure in figures)
