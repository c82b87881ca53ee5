"""Runs the fake provider: python -m tests.fake_provider --port 9100 --world generated:90x40x30."""

from __future__ import annotations

import argparse
import json
import re
import signal
import time
from pathlib import Path
from threading import Event

from . import FakeProvider, World, example_world, generate, load


def world_named(name: str | None) -> World:
    """The example, a file, or generated:DAYSxMODELSxPROJECTS[xROWS[xSEED]]."""
    if name is None or name == "example":
        world = example_world(int(time.time()))
        world.now = None
        return world
    if name.startswith("generated"):
        sizes = [int(size) for size in re.findall(r"\d+", name)]
        return generate(*sizes)
    return load(name)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.fake_provider", description=__doc__)
    options.add_argument("--port", type=int, default=9100)
    options.add_argument("--world", help="example, a JSON file, or generated:90x40x30")
    options.add_argument("--faults", type=Path, help="a JSON file with fault rules")
    chosen = options.parse_args()
    faults = json.loads(chosen.faults.read_text(encoding="utf-8")) if chosen.faults else []
    done = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    with FakeProvider(world_named(chosen.world), port=chosen.port, faults=faults) as fake:
        print(f"fake provider at {fake.url}", flush=True)
        done.wait()


if __name__ == "__main__":
    main()
