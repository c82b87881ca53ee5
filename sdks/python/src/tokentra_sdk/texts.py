"""Texts as the server takes them: whole characters, of bounded length."""

from __future__ import annotations

LONGEST, LONGEST_NAME, LONGEST_ID, MOST_TAGS = 256, 64, 64, 20
CUT = "…"


def text(value: object, longest: int = LONGEST) -> str:
    """A value as a text, also where it has none. Half characters are replaced; what is too long is cut and marked."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        said = value if isinstance(value, str) else str(value)
    except Exception:
        said = f"<{type(value).__name__}>"
    if not said.isascii():
        said = said.encode("utf-8", "replace").decode("utf-8")
    if "\0" in said:
        said = said.replace("\0", "")
    return said if len(said) <= longest else said[: longest - 1] + CUT
