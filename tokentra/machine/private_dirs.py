"""Directories that nobody else may write, made where anyone might have made one first."""

import os
import pwd
from contextlib import suppress
from pathlib import Path

from tokentra.machine import places
from tokentra.machine.refusal import Refusal


def make(path: Path, user: pwd.struct_passwd | None) -> None:
    path.mkdir(mode=0o700)
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def make_for_sockets(data: Path, user: pwd.struct_passwd | None) -> None:
    path = places.socket_dir(data)
    if not path.exists():
        make(path, user)
    must_belong_to(os.geteuid() if user is None else user.pw_uid, path)
    path.chmod(0o700 if user is None else 0o711)


def remove_for_sockets(data: Path) -> None:
    with suppress(OSError):  # in use, or gone
        places.socket_dir(data).rmdir()


def must_belong_to(uid: int, path: Path) -> None:
    found = path.lstat()
    if path.is_symlink() or found.st_uid != uid or found.st_mode & 0o022:
        raise Refusal(f"{path} belongs to somebody else; remove it, or set TMPDIR to a directory of your own")
