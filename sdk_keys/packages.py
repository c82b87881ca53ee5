"""The packages for customers' programs that this installation was prepared with, as files in `build/sdk`."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.urls import reverse


class Kind(StrEnum):
    PYTHON = "python"
    NODE = "node"


NAMES = {Kind.PYTHON: "tokentra-sdk", Kind.NODE: "@tokentra/sdk"}
FILES = {
    Kind.PYTHON: re.compile(r"tokentra_sdk-(?P<version>[0-9][0-9A-Za-z.+]*)-py3-none-any\.whl"),
    Kind.NODE: re.compile(r"tokentra-sdk-(?P<version>[0-9][0-9A-Za-z.+-]*)\.tgz"),
}
TYPES = {Kind.PYTHON: "application/zip", Kind.NODE: "application/gzip"}
SHOWN = 12  # characters of the digest that stand in the address


@dataclass(frozen=True, slots=True)
class Package:
    """One file. Its address holds a part of its digest, so that an address never means another content."""

    kind: Kind
    version: str
    file: str
    digest: str
    content: bytes = field(repr=False)

    @property
    def name(self) -> str:
        return NAMES[self.kind]

    @property
    def type(self) -> str:
        return TYPES[self.kind]

    @property
    def path(self) -> str:
        return reverse("sdk:file", args=[self.digest[:SHOWN], self.file])


def all_packages() -> dict[Kind, Package]:
    """What was packed, by kind; a kind that could not be packed is not there."""
    return found_in(settings.SDK_PACKAGES)


@cache
def found_in(directory: Path) -> dict[Kind, Package]:
    """Read once by each process: a change comes with a restart."""
    found = {}
    for path in sorted(directory.glob("*")):
        for kind, pattern in FILES.items():
            if named := pattern.fullmatch(path.name):
                content = path.read_bytes()
                found[kind] = Package(kind, named["version"], path.name, sha256(content).hexdigest(), content)
    return found
