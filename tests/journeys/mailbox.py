"""Where the letters of a running product arrive."""

import re
from collections.abc import Iterator
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller

from tests.product import free_port, wait_for


class Mailbox:
    """A real SMTP server on the loopback that keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], str]] = []
        self.server = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802  # aiosmtpd's name
        letter = message_from_bytes(envelope.content)
        parts = [part.get_payload(decode=True).decode() for part in letter.walk() if not part.is_multipart()]
        self.letters.append((envelope.rcpt_tos, "\n".join([letter["Subject"] or "", *parts])))
        return "250 OK"

    def code(self, address: str) -> str:
        def sent() -> str:
            found = [re.search(r"\b(\d{6})\b", letter) for to, letter in self.letters if address in to]
            return next((each.group(1) for each in found if each), "")

        return wait_for(sent, 60, f"a letter with a code to {address}")


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.server.start()
    yield box
    box.server.stop()
