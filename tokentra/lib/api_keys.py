"""The shape of our own API keys: 46 characters, of which the last six tell a mistyped key without a look-up."""

import json
import re
import secrets
import string
from binascii import crc32

from tokentra.lib.signs import holds

ENVIRONMENTS = ("live", "test")
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY = re.compile(r"tt_(?:live|test)_[0-9A-Za-z]{38}")
_ESCAPE = re.compile(
    rb"\\(?:u00([2-7][0-9A-Fa-f])|u[0-9A-Fa-f]{4}|[bfnrt])"
)  # a key may be written so, and what is before it
_IN_TEXT = re.compile(r"(?<![0-9A-Za-z])tt_(?:live|test)_[0-9A-Za-z]{38}(?![0-9A-Za-z])")


def mint(environment: str) -> str:
    """A new key; its 32 characters hold 190 bits of chance."""
    if environment not in ENVIRONMENTS:
        raise ValueError(f"a key is for one of {', '.join(ENVIRONMENTS)}")
    body = f"tt_{environment}_" + "".join(secrets.choice(ALPHABET) for _ in range(32))
    return body + checksum(body)


def is_key(text: str) -> bool:
    """Whether it can be a key of ours at all, by its shape and its checksum."""
    return bool(_KEY.fullmatch(text)) and checksum(text[:-6]) == text[-6:]


def found_in(text: str) -> str:
    """The first key that stands somewhere in a text, or nothing."""
    return next((found for found in _IN_TEXT.findall(text) if is_key(found)), "")


def found_in_json(body: bytes) -> str:
    """The same of bytes that may be JSON, however it is encoded and whichever characters are escaped."""
    if (encoding := json.detect_encoding(body)) not in ("utf-8", "utf-8-sig"):
        body = body.decode(encoding, "replace").encode("utf-8", "replace")
    if not (holds(body, b"tt_") or holds(body, b"\\u00")):
        return ""
    body = _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()) if escape[1] else b" ", body)
    return found_in(body.decode(errors="replace")) if b"tt_" in body else ""


def found_in_packed(body: bytes) -> str:
    """The same of bytes such as protobuf's, where nothing need stand between two texts: the checksum tells."""
    return next((key for key in _KEY.findall(body.decode("latin-1")) if is_key(key)), "") if b"tt_" in body else ""


def checksum(body: str) -> str:
    """CRC32 in six characters."""
    rest, digits = crc32(body.encode()), ""
    for _ in range(6):
        rest, place = divmod(rest, len(ALPHABET))
        digits = ALPHABET[place] + digits
    return digits
