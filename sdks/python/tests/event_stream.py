"""Event streams as AWS writes them: a prelude, headers, the content and sums to check them by."""

import json
import struct
from binascii import crc32
from collections.abc import Iterable, Iterator
from typing import Any


def written(events: Iterable[tuple[str, Any]]) -> Iterator[bytes]:
    """Each event by its name and content; one that is called `exception` is an error."""
    for name, content in events:
        kind = "exception" if name.endswith("Exception") else "event"
        headers = b"".join(
            header(*each)
            for each in (
                (f":{kind}-type", name),
                (":content-type", "application/json"),
                (":message-type", kind),
            )
        )
        body = json.dumps(content).encode()
        prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
        message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
        yield message + struct.pack("!I", crc32(message))


def header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
