"""Numbers by which the tables of measured sums find a row: comparing their texts costs several times as much. Pure."""

from hashlib import md5


def hash_of(text: str) -> int:
    """64 bits with a sign; 0 of nothing, as most rows are crossed with."""
    return int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[:8], signed=True) if text else 0


def series_of(dimension: str, by: str = "") -> int:
    """What all rows of one dimension, alone or crossed with another, have in common."""
    return hash_of(f"{dimension}\x1f{by}")


def hash_in_sql(text: str) -> str:
    """The same of a column or another expression."""
    return f"CASE WHEN {text} = '' THEN 0 ELSE ('x' || left(md5({text}), 16))::bit(64)::bigint END"


def series_in_sql(dimension: str, by: str) -> str:
    return hash_in_sql(f"({dimension} || chr(31) || {by})")
