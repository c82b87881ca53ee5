"""The server that browsers and programs of the tests ask; it knows whether it is at something."""

from socket import MSG_DONTWAIT, MSG_PEEK, socket
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import QuietWSGIRequestHandler


class Handler(QuietWSGIRequestHandler):
    def handle_one_request(self) -> None:
        self.server.resting.add(self.connection)
        self.rfile.peek(1)  # until something comes, or nothing ever will
        self.server.resting.discard(self.connection)
        super().handle_one_request()


class Serving(ThreadedWSGIServer):
    def __init__(self, address: Any, _: Any, **kwargs: Any) -> None:
        self.open: set[socket] = set()
        self.resting: set[socket] = set()
        super().__init__(address, Handler, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        super().close_request(request)
        self.open.discard(request)
        self.resting.discard(request)

    @property
    def is_quiet(self) -> bool:
        """It has answered all that was asked, and left everybody who has gone."""
        return all(each in self.resting and is_silent(each) for each in [*self.open])


def is_silent(line: socket) -> bool:
    """Still open, and nothing has come that nobody has read."""
    try:
        line.recv(1, MSG_PEEK | MSG_DONTWAIT)
    except BlockingIOError:
        return True
    return False
