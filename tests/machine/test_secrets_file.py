"""The secrets of an embedded installation."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.installation import ROOT, clean_environment

READ = "from tokentra.machine import secrets_file; print(sorted(secrets_file.load_or_create().items()))"


def _read(var: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env=clean_environment(TOKENTRA_VAR=str(var), **environment),
        stdout=subprocess.PIPE,
        text=True,
    )


def _said(reader: "subprocess.Popen[str]") -> str:
    said, _ = reader.communicate(timeout=30)
    assert reader.returncode == 0
    return said


def test_two_first_starts_at_once_agree_on_one_file(tmp_path: Path) -> None:
    readers = [_read(tmp_path / "var") for _ in range(4)]

    answers = {_said(reader) for reader in readers}

    assert len(answers) == 1
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secrets.env"]
    assert (tmp_path / "var" / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_the_encryption_key_has_32_random_bytes(tmp_path: Path) -> None:
    _said(_read(tmp_path))

    lines = dict(line.split("=", 1) for line in (tmp_path / "secrets.env").read_text().splitlines()[1:])

    assert len(base64.b64decode(lines["TOKENTRA_ENCRYPTION_KEYS"])) == 32
    assert len(lines["SECRET_KEY"]) >= 50


@pytest.mark.parametrize("given", [{"SECRET_KEY": "mine"}, {"DATABASE_URL": "postgresql://db/tokentra"}])
def test_an_operators_own_settings_are_never_completed_by_a_file(tmp_path: Path, given: dict[str, str]) -> None:
    assert _said(_read(tmp_path / "var", **given)).strip() == "[]"
    assert not (tmp_path / "var").exists()
