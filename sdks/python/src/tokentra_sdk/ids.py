"""Ids that carry their time: UUIDs of version 7, minted once for each call."""

from __future__ import annotations

import os
import time


def minted(milliseconds: int | None = None) -> str:
    """A UUID of version 7 for a moment in milliseconds since 1970; now, where none is given."""
    at = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    rest = int.from_bytes(os.urandom(10), "big")
    number = (at & 0xFFFFFFFFFFFF) << 80 | 7 << 76 | (rest >> 68) << 64 | 2 << 62 | rest & (1 << 62) - 1
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
