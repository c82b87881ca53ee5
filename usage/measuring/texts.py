"""Texts as they are sent, made fit to be kept or told again. Pure."""

CUT = "…"
SEPARATOR = "\x1f"  # stands between names where several are hashed together
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """What was sent, as far as it can be said again."""
    return text.encode("utf-8", "replace").decode().replace("\0", UNKNOWN)


def unseparated(text: str) -> str:
    """A name that is hashed as one, whatever stands in it."""
    return text.replace(SEPARATOR, UNKNOWN)


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + CUT
