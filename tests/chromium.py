"""Find a Chromium: the system's, else the one that an npm package carries."""

import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNPACK = "import c from '@sparticuz/chromium'; console.log(await c.executablePath())"


@functools.cache
def chromium_path() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    path = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".tools" / "bin")])
    node = shutil.which("node", path=path)
    if node is None:
        raise RuntimeError("no Chromium and no node to unpack one with: run make test, which brings both")
    with (Path(tempfile.gettempdir()) / "tt-chromium.lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        command = [node, "--input-type=module", "--eval", UNPACK]
        unpacked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return unpacked.stdout.strip().splitlines()[-1]
