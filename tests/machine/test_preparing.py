"""Setting up: only what is stale, nothing that is not pinned, no address of anybody's registry."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.installation import ROOT, clean_environment
from tokentra.machine import prepare

REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose environment has the developer tools, and a uv that only writes down what it was asked."""
    (tmp_path / "requirements").mkdir()
    for name in ("run", "dev", "tools"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}\n")
    for place in (".venv/bin/python", ".tools/bin/uv", ".tools/bin/pip"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
        (tmp_path / place).chmod(0o755)
    names = {
        "ROOT": tmp_path,
        "TOOLS": tmp_path / ".tools",
        "VENV": tmp_path / ".venv",
        "PYTHON": tmp_path / ".venv/bin/python",
    }
    for name, value in names.items():
        monkeypatch.setattr(prepare, name, value)
    prepare.write(
        tmp_path / ".tools/prepared.json",
        {"content": prepare.content(tmp_path / "requirements" / "tools.txt")},
    )
    return tmp_path


def _synced(checkout: Path) -> list[str]:
    asked = checkout / "asked"
    lines = asked.read_text().splitlines() if asked.exists() else []
    asked.unlink(missing_ok=True)
    return [Path(line.split()[-1]).name for line in lines if line.startswith("pip sync")]


def test_packages_are_installed_once_and_again_when_their_list_changes(checkout: Path) -> None:
    prepare.python_packages("run")
    prepare.python_packages("run")
    assert _synced(checkout) == ["run.txt"]

    (checkout / "requirements" / "run.txt").write_text("run, changed\n")
    prepare.python_packages("run")
    assert _synced(checkout) == ["run.txt"]


def test_an_environment_with_the_tests_tools_keeps_them(checkout: Path) -> None:
    prepare.python_packages("dev")
    prepare.python_packages("run")
    assert _synced(checkout) == ["dev.txt"]

    (checkout / "requirements" / "dev.txt").write_text("dev, changed\n")
    prepare.python_packages("run")
    assert _synced(checkout) == ["dev.txt"]


@pytest.fixture
def sdks(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the sources of both packages, and an npm that only writes down what it was asked."""
    for name in ("sdks/node/src/index.ts", "sdks/python/src/tokentra_sdk/version.py", "package-lock.json"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("one\n")
    names = {"BUILD": "build", "NODE_SDK": "sdks/node", "PYTHON_SDK": "sdks/python"}
    for name, place in names.items():
        monkeypatch.setattr(prepare, name, checkout / place)
    monkeypatch.setattr(prepare, "npm", lambda *asked, quiet: prepare.call(prepare.PYTHON, "npm", *asked))
    return checkout


def _packed(checkout: Path) -> list[str]:
    asked = checkout / "asked"
    lines = asked.read_text().splitlines() if asked.exists() else []
    asked.unlink(missing_ok=True)
    return [" ".join(line.split()[:3]) for line in lines if not line.startswith("config")]


def test_packages_for_programs_are_packed_once_and_again_when_their_sources_change(sdks: Path) -> None:
    both = ["-m hatchling build", "npm run sdk"]
    prepare.packages_to_hand_out()
    assert _packed(sdks) == both

    prepare.packages_to_hand_out()
    assert _packed(sdks) == []

    for source in ("sdks/node/src/index.ts", "sdks/python/src/tokentra_sdk/version.py"):
        (sdks / source).write_text("another\n")
        prepare.packages_to_hand_out()
        assert _packed(sdks) == both


def test_a_package_that_cannot_be_packed_is_tried_again_and_its_complaint_is_shown(
    sdks: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare.PYTHON.write_text("#!/bin/sh\necho no such file >&2\nexit 2\n")

    for _ in range(2):
        with pytest.raises(prepare.Unprepared, match="did not work; the lines above say why"):
            prepare.packages_to_hand_out()
        assert "no such file" in capfd.readouterr().out


def test_what_cannot_be_installed_is_said_in_a_sentence(checkout: Path) -> None:
    (checkout / ".tools" / "bin" / "uv").write_text("#!/bin/sh\nexit 2\n")

    with pytest.raises(prepare.Unprepared, match="did not work; the lines above say why"):
        prepare.python_packages("run")
    assert not (checkout / ".venv" / "prepared.json").exists()


def test_a_mirror_that_pip_knows_serves_uv(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")

    assert prepare.index_for_uv() == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}


def test_so_does_one_in_a_file_of_pips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (tmp_path / "pip.conf").write_text("[global]\nindex_url = https://mirror.example/simple\n")

    assert prepare.index_for_uv() == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_package_is_pinned_with_hashes_and_without_an_address(path: Path) -> None:
    text = path.read_text()
    packages = re.findall(r"^[a-z0-9][^\s=]*==\S+ \\$", text, re.MULTILINE)
    anything = re.findall(r"^[^\s#]", text, re.MULTILINE)

    assert len(packages) == len(anything) > 0
    assert "://" not in text


@pytest.mark.parametrize("path", ["Makefile", ".ci/run", ".npmrc", "package-lock.json", "tokentra/machine/prepare.py"])
def test_nothing_names_a_registry(path: str) -> None:
    assert not re.search(r"https?://[^ ]*(pypi|npmjs|index|simple)", (ROOT / path).read_text())


def test_each_target_of_make_is_known(tmp_path: Path) -> None:
    targets = re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()

    asked = subprocess.run(
        ["make", "--dry-run", *targets], cwd=ROOT, env=clean_environment(), capture_output=True, check=True
    )

    assert set(targets) == {"run", "test", "test-long", "lint", "check", "bench", "build"}
    assert asked.stdout.count(b"prepare.py") == len(targets)


def test_continuous_integration_ends_with_the_tests() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "make test"


def test_it_needs_nothing_that_is_not_in_the_standard_library() -> None:
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, '{ROOT}/tokentra/machine'); import prepare",
    ]

    assert subprocess.run(command, check=False).returncode == 0
