"""Names that senders chose, in addresses: plain where they are plain, else a "~" before them in base64. Pure."""

import base64
import binascii
import re

MARK = "~"
PLAIN = re.compile(r"[\w@:+-][\w.@:+-]{0,255}", re.ASCII)
LONGEST = 1_400  # 256 characters of four bytes each, in base64


class NameConverter:
    """Any text between two slashes. What a person types is taken as it stands, slashes included."""

    regex = r"[^\x00]+"

    def to_python(self, value: str) -> str:
        return opened(value)

    def to_url(self, value: str) -> str:
        return sealed(value)


class TextConverter:
    """Any text as it stands, slashes and several lines included."""

    regex = r"(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class DimensionConverter(NameConverter):
    """The same between two slashes that are followed by another name."""

    regex = r"[^/\x00]+"


def sealed(name: str) -> str:
    if PLAIN.fullmatch(name):
        return name
    return MARK + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def opened(text: str) -> str:
    """Raises ValueError for what is no name."""
    if not text.startswith(MARK):
        return text
    packed = text[len(MARK) :]
    if len(packed) > LONGEST:
        raise ValueError("too long for a name")
    try:
        name = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("no name in base64") from error
    if "\x00" in name or not name:
        raise ValueError("no name")
    return name
