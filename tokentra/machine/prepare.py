"""Prepare what is stale, then become the program that was asked for. Standard library only.

`python3 tokentra/machine/prepare.py run|test|test-long|lint|check|bench|build [arguments for pytest]`
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS, VENV, MODULES, BUILD = (ROOT / name for name in (".tools", ".venv", "node_modules", "build"))
PYTHON = VENV / "bin" / "python"
NODE_SDK, PYTHON_SDK = ROOT / "sdks" / "node", ROOT / "sdks" / "python"
OLDEST_NODE = 18

STATIC_CHECKS = (
    ("ruff", "format", "--check", "--quiet", "."),
    ("ruff", "check", "--quiet", "."),
    ("djlint", "--check", "--quiet", "templates"),
    ("djlint", "--lint", "--quiet", "templates"),
    ("mypy", "."),
    ("ruff", "format", "--check", "--quiet", "sdks/python"),
    ("ruff", "check", "--quiet", "sdks/python"),
    ("mypy", "--config-file", "sdks/python/pyproject.toml", "sdks/python/src"),
    ("lint-imports",),
    ("manage.py", "makemigrations", "--check", "--dry-run"),
)
MIRROR = re.compile("^global[.]index.url='(.+)'$", re.MULTILINE)  # as pip lists its settings
# Many wait for programs of their own, so more than cores; in the order of tests/conftest.py, which spreads those.
TESTS = ("-m", "pytest", "-n", "4", "--dist", "loadfile", "--no-loadscope-reorder")


class Unprepared(Exception):
    """Its text is one sentence for the person at the terminal."""


def main(what: str, arguments: list[str]) -> None:
    os.chdir(ROOT)
    with_tests = what not in ("run", "build")
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python_packages("dev" if with_tests else "run")
        node_packages()
        build()
        packages_to_hand_out()
        collect_static()
        if with_tests:
            sdk_packages()
    if what in ("lint", "check"):
        check()
    if what == "run":
        become(PYTHON, "-m", "tokentra.machine.supervise")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a run of the tests starts hundreds of processes
    if what in ("test", "check"):
        become(PYTHON, *TESTS, *arguments)
    if what == "test-long":
        become(PYTHON, *TESTS, "-m", "long", *arguments)
    if what == "bench":
        become(PYTHON, "-m", "tests.bench", *arguments)


# What is prepared, each skipped when its stamp still says what it would say now


def python_packages(wanted: str) -> None:
    """Those of the tests contain those of the product, so an environment with them serves both."""
    stamp = VENV / "prepared.json"
    before = read(stamp)
    kept = before.get("set") if PYTHON.exists() else None
    chosen = "dev" if "dev" in (wanted, kept) else "run"
    now = {"set": chosen, "content": content(ROOT / "requirements" / f"{chosen}.txt")}
    if kept and before == now:
        return
    uv = install_uv()
    if not PYTHON.exists():
        say("Making the Python environment.")
        call(uv, "venv", "--quiet", "--clear", "--python", python_3_11() or "3.11", VENV)
    say("Installing Python packages.")
    sync = (uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", PYTHON, "--require-hashes")
    call(*sync, ROOT / "requirements" / f"{chosen}.txt")
    write(stamp, now)


def node_packages() -> None:
    stamp = MODULES / ".prepared.json"
    now = {"content": content(ROOT / "package.json", ROOT / "package-lock.json")}
    if read(stamp) == now:
        return
    say("Installing browser packages.")
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    write(stamp, now)


def sdk_packages() -> None:
    """What the SDK for Node is tested with; the product does not need it."""
    stamp = NODE_SDK / "node_modules" / ".prepared.json"
    now = {"content": content(NODE_SDK / "package.json", NODE_SDK / "package-lock.json")}
    if read(stamp) == now:
        return
    say("Installing what the SDK for Node is tested with.")
    npm("--prefix", NODE_SDK, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    write(stamp, now)


def build() -> None:
    stamp = BUILD / "built.json"
    sources = [*files_below(ROOT / "frontend"), *files_that_name_icons()]
    now = {"content": content(ROOT / "package.json", ROOT / "package-lock.json", *sources)}
    if read(stamp) == now and (BUILD / "dist").is_dir():
        return
    say("Bundling scripts and styles.")
    shutil.rmtree(BUILD / "dist", ignore_errors=True)
    npm("run", "build", "--silent")
    write(stamp, now)


def packages_to_hand_out() -> None:
    """The packages for customers' programs, which the running server hands out at /sdk/."""
    stamp = BUILD / "packaged.json"
    made_of = [path for sdk in (NODE_SDK, PYTHON_SDK) for path in sdk.iterdir() if path.is_file()]
    sources = [*sorted(made_of), *files_below(NODE_SDK / "src"), *files_below(PYTHON_SDK / "src")]
    now = {"content": content(ROOT / "package-lock.json", *(each for each in sources if each.suffix != ".pyc"))}
    if read(stamp) == now and (BUILD / "sdk").is_dir():
        return
    say("Packing the packages for your programs.")
    shutil.rmtree(BUILD / "sdk", ignore_errors=True)
    (BUILD / "sdk").mkdir(parents=True)
    call(PYTHON, "-m", "hatchling", "build", "-t", "wheel", "-d", BUILD / "sdk", cwd=PYTHON_SDK, quiet=True)
    npm("run", "sdk", "--silent", quiet=True)
    write(stamp, now)


def collect_static() -> None:
    stamp = BUILD / "collected.json"
    own = [path for app in ROOT.glob("*/apps.py") for path in files_below(app.parent / "static")]
    sources = (VENV / "prepared.json", BUILD / "built.json", ROOT / "tokentra" / "settings.py")
    now = {"content": content(*sources, *own, *files_below(ROOT / "static"))}
    if read(stamp) == now and (BUILD / "static").is_dir():
        return
    call(PYTHON, ROOT / "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity", "0")
    write(stamp, now)


def check() -> None:
    failed = []
    for command in STATIC_CHECKS:
        program = [PYTHON, ROOT / command[0]] if command[0] == "manage.py" else [VENV / "bin" / command[0]]
        say("> " + " ".join(command))
        if subprocess.run([*map(str, program), *command[1:]], check=False).returncode:
            failed.append(" ".join(command))
    if failed:
        raise Unprepared("These checks failed: " + ", ".join(failed) + ".")


# Tools


def install_uv() -> Path:
    """In an environment of its own: syncing removes whatever is not locked, and so uv itself."""
    uv = TOOLS / "bin" / "uv"
    wanted = ROOT / "requirements" / "tools.txt"
    stamp = TOOLS / "prepared.json"
    now = {"content": content(wanted)}
    if uv.exists() and read(stamp) == now:
        return uv
    say("Installing uv.")
    interpreter = python_3_11() or sys.executable
    if not (TOOLS / "bin" / "pip").exists():
        call(
            interpreter, "-m", "venv", TOOLS,
            hint="Python's venv module is missing; on Debian and Ubuntu install python3-venv.",
        )  # fmt: skip
    call(TOOLS / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", wanted)
    write(stamp, now)
    return uv


def python_3_11() -> str | None:
    """The running one, else one on the path; None leaves the search to uv."""
    if platform.python_version().startswith("3.11."):
        return sys.executable
    found = shutil.which("python3.11")
    works = found and subprocess.run([found, "-c", ""], check=False, stderr=subprocess.DEVNULL).returncode == 0
    return found if works else None


def npm(*arguments: object, quiet: bool = False) -> None:
    local = TOOLS / "bin"
    if not system_node_will_do() and not (local / "npm").exists():
        say("Installing Node, which this machine does not have.")
        uv = install_uv()
        wanted = ROOT / "requirements" / "node.txt"
        call(uv, "pip", "install", "--quiet", "--python", local / "python", "--require-hashes", "-r", wanted)
    path = path_with_node()
    call(shutil.which("npm", path=path) or "npm", *arguments, path=path, quiet=quiet)


def path_with_node() -> str:
    """The system's when it is new enough, else the one of a Python package."""
    usual = os.environ["PATH"]
    return usual if system_node_will_do() else os.pathsep.join([str(TOOLS / "bin"), usual])


def system_node_will_do() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    version = said.strip().lstrip("v").partition(".")[0]
    return version.isdecimal() and int(version) >= OLDEST_NODE


def call(*command: object, hint: str = "", path: str = "", cwd: Path = ROOT, quiet: bool = False) -> None:
    """With `quiet`, what it says of a success is not shown."""
    words = [str(word) for word in command]
    environment = dict(os.environ, **index_for_uv())
    if path:
        environment["PATH"] = path
    said = subprocess.PIPE if quiet else None
    done = subprocess.run(words, env=environment, cwd=cwd, stdout=said, stderr=said, check=False)
    if done.returncode:
        sys.stdout.write((done.stdout or b"").decode(errors="replace") + (done.stderr or b"").decode(errors="replace"))
        told = f"{Path(words[0]).name} {' '.join(words[1:3])} did not work; the lines above say why."
        raise Unprepared(f"{told} {hint}".strip())


def index_for_uv() -> dict[str, str]:
    """A mirror that pip was told about serves uv too."""
    pip = TOOLS / "bin" / "pip"
    if not pip.exists() or {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"} & set(os.environ):
        return {}
    told = subprocess.run([pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    configured = MIRROR.search(told)
    index = os.environ.get("PIP_INDEX_URL") or (configured[1] if configured else "")
    return {"UV_DEFAULT_INDEX": index} if index else {}


def become(program: Path, *arguments: str) -> None:
    sys.stdout.flush()
    os.execv(program, [str(program), *arguments])


# Stamps


def content(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def files_below(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def files_that_name_icons() -> list[Path]:
    """The bundle carries only the icons that pages use."""
    packages = [found.parent for found in ROOT.glob("*/__init__.py") if found.parent.name != "tests"]
    files = [path for directory in [ROOT / "templates", *packages] for path in files_below(directory)]
    return [path for path in files if path.suffix in (".html", ".py")]


def read(stamp: Path) -> dict[str, str]:
    try:
        found = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(stamp: Path, content: dict[str, str]) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(content))


def say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except Unprepared as sentence:
        sys.exit(str(sentence))
    except KeyboardInterrupt:
        sys.exit(130)
