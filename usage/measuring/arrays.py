"""Columns of values as the database reads arrays: as JSON writes lists, from which those differ in little. Pure."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

encode = msgspec.json.Encoder(decimal_format="string").encode
# What a letter stands for behind a backslash, in JSON alone; it may be found where there is none.
LETTERED = re.compile(rb'\\[^"\\]')


def array(column: Sequence[Any]) -> bytes | None:
    """Of texts, numbers, dates or moments; None where it tells nothing."""
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


def json(column: Sequence[Any]) -> bytes | None:
    """The same of what is JSON there."""
    return array([None if each is None else encode(each).decode() for each in column]) if any(column) else None


def quoted(text: str | None) -> str:
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
