"""Runs the programs of the SDK for Node with the Node that set-up uses."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tokentra.machine.prepare import NODE_SDK, path_with_node


def node(
    *arguments: object, env: Mapping[str, str] | None = None, seconds: int = 300
) -> subprocess.CompletedProcess[str]:
    return ran("node", *arguments, env=env, seconds=seconds)


def npm(*arguments: object, seconds: int = 300) -> subprocess.CompletedProcess[str]:
    return ran("npm", *arguments, env=None, seconds=seconds)


def ran(
    program: object, *arguments: object, env: Mapping[str, str] | None, seconds: int, where: Path = NODE_SDK
) -> subprocess.CompletedProcess[str]:
    """In the SDK's directory, or `where`. What it printed is on the screen of a test that fails."""
    path = path_with_node()
    command = [shutil.which(str(program), path=path) or str(program), *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=where,
        env={**os.environ, "PATH": path, **(env or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    print(done.stdout[-20_000:], done.stderr[-10_000:])
    return done
