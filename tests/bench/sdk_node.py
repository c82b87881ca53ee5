"""What the SDK for Node costs a program: time of its own thread for each call, and memory."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.sdks.node import npm
from tokentra.machine.prepare import NODE_SDK, path_with_node


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    npm("run", "--silent", "build").check_returncode()
    path = path_with_node()
    command = [shutil.which("node", path=path) or "node", "bench/main.mjs"]
    env = dict(os.environ, PATH=path, NODE_NO_WARNINGS="1")  # of libraries that will leave this version of Node
    with subprocess.Popen(command, cwd=NODE_SDK, env=env, stdout=subprocess.PIPE, text=True) as measuring:
        for line in measuring.stdout or ():
            yield Figure(**json.loads(line))
    if measuring.returncode:
        raise subprocess.CalledProcessError(measuring.returncode, command)
