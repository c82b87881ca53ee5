"""Open an address for the person at the terminal, on a machine that can."""

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping
from contextlib import suppress

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


def show(address: str) -> None:
    """Beside everything else, and never in its way: a browser may take its time, fail, or not be there."""
    if is_worth_a_try(os.environ, is_terminal=sys.stdout.isatty(), platform=sys.platform):
        threading.Thread(target=_open, args=[address], daemon=True).start()


def is_worth_a_try(environment: Mapping[str, str], *, is_terminal: bool, platform: str) -> bool:
    """A browser that somebody named, or a screen and somebody before it; one in the terminal would take it over."""
    if environment.get("BROWSER"):
        return True
    return is_terminal and (platform == "darwin" or any(environment.get(name) for name in SCREENS))


def _open(address: str) -> None:
    with suppress(webbrowser.Error, OSError, ValueError):
        webbrowser.open(address)
