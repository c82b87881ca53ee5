"""What we build from: every dependency is pinned by its hash, and nothing that looks like a real key is in the tree (E15)."""

import json
import re
import subprocess
from itertools import pairwise

import pytest

from tests.test_architecture import ROOT
from tokentra.lib.masking import MASK, mask

PINNED = re.compile(r"^[A-Za-z0-9._-]+(?:\[[\w,-]+\])?==[^\s;]+(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
KEY = re.compile(r"[A-Za-z0-9_.*…/+=-]{12,}")
MADE_UP = re.compile(r"canary|eyJjYW5hcnki|acme|globex|generated|secre|nobody|0123456789|0{8}|\*{4}", re.I)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "requirements").glob("*.txt")))
def test_e15_every_python_package_is_pinned_by_its_hash(name: str):
    lines = [line for line in (ROOT / "requirements" / name).read_text().splitlines() if not line.startswith("#")]

    assert [line for line in lines if not PINNED.match(line) and not HASH.match(line)] == []
    assert all(HASH.match(after) for line, after in pairwise(lines) if PINNED.match(line))


@pytest.mark.parametrize("lock", ["package-lock.json", "sdks/node/package-lock.json"])
def test_e15_every_package_for_browsers_and_node_is_pinned_by_its_hash(lock: str):
    packages = json.loads((ROOT / lock).read_text())["packages"]
    loose = [name for name, told in packages.items() if name and not told.get("integrity", "").startswith("sha512-")]

    assert len(packages) > 30
    assert loose == []


def test_e15_installing_refuses_what_has_another_hash():
    set_up = (ROOT / "tokentra/machine/prepare.py").read_text()
    installs = re.findall(r'"(?:pip", "install|pip", "sync|ci)"[^\n]*', set_up)

    assert len(installs) == 5
    assert all("--require-hashes" in line or line.startswith('"ci"') for line in installs)


def test_e15_no_file_holds_what_could_be_somebodys_key():
    asked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if asked.returncode:
        pytest.skip("this copy of the tree is not under version control")
    found = []
    for name in filter(None, asked.stdout.split("\0")):
        try:
            text = (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        words = KEY.findall(text) if MASK in mask(text) else []
        shaped = {  # whatever it is called
            word for word in words if any(MASK in mask(part) for part in word.split("="))
        }
        found += [
            f"{name}: {word[:12]}…" for word in shaped if not (name.startswith("tests/") and MADE_UP.search(word))
        ]
        if re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{40}", text):
            found.append(f"{name}: a private key")

    assert found == []
