"""Columns of values as the database reads arrays: as JSON writes lists, from which those differ in little. Pure."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

encode = msgspec.json.Encoder(decimal_format="string").encode
# What a letter stands for behind a backslash, in JSON alone. Found where there is none, it only takes longer.
LETTERED = re.compile(rb'\\[^"\\]')


def array(column: Sequence[Any]) -> bytes | None:
    """Of one or more texts, numbers, booleans, dates or moments; None where it tells nothing."""
    if column[0] is None and column.count(None) == len(column):
        return None
    written = encode(column)
    if b"\\" in written and LETTERED.search(written):
        return f"{{{','.join(map(quoted, column))}}}".encode()
    return b"{%b}" % written[1:-1]


def counts(column: Sequence[int]) -> bytes | None:
    """The same of counts, of which zeros tell nothing."""
    if 0 not in column:
        return array(column)
    return array([count or None for count in column]) if any(column) else None


def documents(column: Sequence[Any]) -> bytes | None:
    """The same of what is JSON there, too."""
    return array([None if each is None else encode(each).decode() for each in column]) if any(column) else None


def quoted(text: str | None) -> str:
    """Nothing but a text has a backslash in JSON."""
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
