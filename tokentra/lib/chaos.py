"""Where a test may end the process: named points on each side of every commit."""

import os
import signal
from pathlib import Path


def point(name: str) -> None:
    """Die here, once, when TOKENTRA_CHAOS names this point; otherwise nothing.

    With TOKENTRA_CHAOS_MARKS, a directory, a point that has killed leaves a file there and spares the
    processes that come after.
    """
    if name not in os.environ.get("TOKENTRA_CHAOS", "").split(","):
        return
    marks = os.environ.get("TOKENTRA_CHAOS_MARKS")
    if marks:
        try:
            Path(marks, name).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
