"""`DEMO=1`: a filled sample organization, and a link that opens it signed in."""

import re
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.machine.installation import ROOT, Installation, until
from tokentra.machine import browser

LINK = re.compile(r"^The sample organization, signed in: (http://127\.0\.0\.1:\d+/demo/\S+/)$")
FILLING = "Filling your sample workspace"
MACHINES = {
    "a desktop with X": ({"DISPLAY": ":0"}, True, "linux", True),
    "a desktop with Wayland": ({"WAYLAND_DISPLAY": "wayland-0"}, True, "linux", True),
    "a Mac": ({}, True, "darwin", True),
    "a browser that was named": ({"BROWSER": "firefox"}, False, "linux", True),
    "a server": ({}, True, "linux", False),
    "a service on a desktop": ({"DISPLAY": ":0"}, False, "linux", False),
    "a pipeline on a Mac": ({}, False, "darwin", False),
    "an empty wish": ({"BROWSER": "", "DISPLAY": ""}, True, "linux", False),
}


@pytest.mark.parametrize(("environment", "is_terminal", "platform", "opens"), MACHINES.values(), ids=MACHINES)
def test_a_browser_is_opened_where_somebody_can_see_it(environment, is_terminal, platform, opens):
    assert browser.is_worth_a_try(environment, is_terminal=is_terminal, platform=platform) is opens


@pytest.mark.parametrize("program", ["/nowhere/at/all %s", "false %s", ""])
def test_a_browser_that_fails_is_in_nobodys_way(program):
    opening = "from tokentra.machine import browser; browser._open('http://127.0.0.1:1/')"
    done = subprocess.run(
        [sys.executable, "-c", opening],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "BROWSER": program},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_demonstration_is_opened_in_a_browser_filled_and_signed_in(tmp_path: Path):
    opened, program = tmp_path / "opened", tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}\n')
    program.chmod(0o755)
    installation, began = Installation(tmp_path / "var", DEMO="1", BROWSER=f"{program} %s"), datetime.now(UTC).date()
    installation.start_and_wait()
    try:
        until(lambda: opened.exists() and opened.read_text(), seconds=120, what="the browser is opened")
        until(lambda: links(installation), seconds=20, what="the link is printed")  # and read by us
        printed = links(installation)
        page = look(opened.read_text())
        if datetime.now(UTC).date() > began:  # the day that has begun meanwhile is asked for by who looks
            until(lambda: FILLING not in look(opened.read_text()), seconds=60, what="the new day is filled")
            page = look(opened.read_text())
    finally:
        code = installation.end()

    assert printed == [opened.read_text()]
    assert "Sample workspace." in page
    assert "Cost by model" in page
    assert FILLING not in page
    assert code == 0
    assert installation.family() == []


def links(installation: Installation) -> list[str]:
    return [found[1] for line in installation.lines if (found := LINK.match(line))]


def look(link: str) -> str:
    jar = urllib.request.HTTPCookieProcessor(CookieJar())
    with urllib.request.build_opener(urllib.request.ProxyHandler({}), jar).open(link, timeout=60) as answer:
        return answer.read().decode()
