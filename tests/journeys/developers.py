"""A developer in front of the wizard: copies what stands on the screen into a shell, and sees what comes of it."""

import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.product import KEPT, wait_for
from tokentra.machine.prepare import NODE_SDK, TOOLS

NOWHERE = "http://127.0.0.1:9/"  # where a registry would be asked
NO_REGISTRY = {"PIP_INDEX_URL": NOWHERE, "UV_DEFAULT_INDEX": NOWHERE, "npm_config_registry": NOWHERE}


def open_way(page: Page, way: str) -> None:
    """The wizard as it is for somebody who chose this way in. The key is not shown again."""
    page.goto(f"/onboarding/sdk/?with={way}")


def blocks(page: Page, step: str) -> list[str]:
    return page.locator(f"[data-step={step}] .setup-way:visible pre").all_inner_texts()


def arrived(page: Page, title: str) -> Locator:
    """Shown within seconds of coming."""
    found = page.locator(".arrival", has_text=title)
    expect(found).to_be_visible(timeout=60_000)
    return found


def comes(page: Page, title: str, act: Callable[[], str]) -> str:
    """What comes of an act is shown, later than what is there already; answers what the act said."""
    when = page.locator(".arrival", has_text=title).locator("time")
    before = when.get_attribute("datetime") if when.count() else None
    said = act()

    def is_there() -> bool:
        if page.locator("#arriving[hx-get]").count() == 0:  # it has stopped looking
            page.reload()
        return when.count() == 1 and when.get_attribute("datetime") != before

    wait_for(is_there, 60, f"{title} comes")
    return said


def run(script: str, *, path: str, cwd: Path, registries: bool = False, ends_with: int = 0, **env: str) -> str:
    """In a shell of somebody who has nothing of ours and, unless they may ask them, reaches no registry."""
    bare = {name: os.environ[name] for name in KEPT if name in os.environ}
    outside = dict(os.environ) if registries else NO_REGISTRY
    of_theirs = {"PATH": path, "HOME": str(cwd), "VIRTUAL_ENV": str(cwd / "venv"), "NO_PROXY": "*"}
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=cwd,
        env=bare | outside | of_theirs | env,
        capture_output=True,
        text=True,
        timeout=600 if registries else 120,
        check=False,
    )
    assert done.returncode == ends_with, done.stdout + done.stderr
    return done.stdout


def fresh_python(cwd: Path, *, with_pip: bool) -> str:
    """An environment in which nothing is; answers the path on which it comes first."""
    shutil.rmtree(cwd / "venv", ignore_errors=True)
    venv.create(cwd / "venv", with_pip=with_pip)
    return os.pathsep.join([str(cwd / "venv/bin"), str(TOOLS / "bin"), os.environ["PATH"]])


def fresh_node(cwd: Path) -> Path:
    cwd.mkdir()
    (cwd / "package.json").write_text('{"private": true}')
    return cwd


def with_openai(cwd: Path) -> None:
    """OpenAI's client, which a registry would bring, from where the SDK is tested with it."""
    (cwd / "node_modules" / "openai").symlink_to(NODE_SDK / "node_modules" / "openai")


LIBRARIES = sysconfig.get_path("purelib")  # where Python's clients are, for a program that runs without a registry
LATE = "import time\nnow = time.time\ntime.time = lambda: now() - 40 * 86_400\n"


def wrong_clock(cwd: Path) -> str:
    """A directory that makes Python believe, where it is on its path, that it is forty days ago."""
    (cwd / "late").mkdir()
    (cwd / "late" / "sitecustomize.py").write_text(LATE)
    return str(cwd / "late")


def python(code: str) -> str:
    """A shell that runs code as it was copied."""
    return f"python - <<'END'\n{code}\nEND"
