"""Events that wait on disk for the server to come back: one file for each batch, of bounded size in all.

Programs of one user that have the same address and key share a directory. A file is locked while it is sent; where
two send the same one all the same, the events keep their ids and count once.
"""

from __future__ import annotations

import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tokentra_sdk.ids import minted
from tokentra_sdk.losses import Counts

fcntl: Any
try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None

ENDING = ".events"
STICKY = stat.S_ISVTX  # who may write to such a directory still cannot replace what others put there


@dataclass
class Kept:
    """One file, locked."""

    path: Path
    file: IO[bytes]
    events: list[bytes]

    def done(self) -> None:
        self.path.unlink(missing_ok=True)
        self.file.close()

    def release(self) -> None:
        self.file.close()


class Spool:
    def __init__(self, directory: Path | None, most: int, counts: Counts) -> None:
        self.directory, self.most, self.counts = directory, most, counts

    def put(self, events: list[bytes]) -> bool:
        """Whether they are on disk now; the oldest files make room."""
        directory = self.directory
        if directory is None or not events:
            return False
        body = zlib.compress(b"\n".join(events), 1)
        try:
            if len(body) > self.most or not is_ours(directory):
                return False
            self._make_room(len(body))
            name = f"{minted()}-{len(events)}"
            draft = directory / f"{name}.draft"
            try:
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(body)
                draft.rename(directory / f"{name}{ENDING}")
            except OSError:
                draft.unlink(missing_ok=True)
                raise
        except OSError:
            return False
        return True

    def oldest(self) -> Kept | None:
        """The oldest file that nobody else is sending."""
        for path in self._files():
            try:
                file = path.open("rb")
            except OSError:
                continue
            if fcntl is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    file.close()
                    continue
            if not path.exists():  # sent by another program before we had the lock
                file.close()
                continue
            try:
                return Kept(path, file, zlib.decompress(file.read()).split(b"\n"))
            except (OSError, zlib.error):
                self.counts.lose("spool_unreadable", held(path))
                Kept(path, file, []).done()
        return None

    def waiting(self) -> int:
        """How many events are on disk, of all programs that share it."""
        return sum(held(path) for path in self._files())

    def _files(self) -> list[Path]:
        if self.directory is None:
            return []
        try:
            return sorted(path for path in self.directory.iterdir() if path.suffix == ENDING)
        except OSError:
            return []

    def _make_room(self, size: int) -> None:
        files = [(path, size_of(path)) for path in self._files()]
        total = sum(each for _, each in files) + size
        for path, each in files:
            if total <= self.most:
                return
            path.unlink(missing_ok=True)
            self.counts.lose("spool_full", held(path))
            total -= each


def is_ours(spool: Path) -> bool:
    """A directory that others may write to is not used: what lies there could be anybody's."""
    for directory in (spool.parent, spool):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "getuid"):
        return True
    above, own = spool.parent.lstat(), spool.lstat()
    is_safe_above = above.st_uid in (0, os.getuid()) and (not above.st_mode & 0o022 or bool(above.st_mode & STICKY))
    return is_safe_above and own.st_uid == os.getuid() and not own.st_mode & 0o022


def held(path: Path) -> int:
    """The number of events stands in a file's name, so that even a broken one can be counted."""
    count = path.stem.rpartition("-")[2]
    return int(count) if count.isdecimal() else 0


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
