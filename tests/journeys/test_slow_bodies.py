"""Bodies that lie about their length, come in chunks or come a byte at a time, at the running server."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.product import Product
from tokentra.lib.slow_bodies import LOOKS, PIECE_SECONDS

pytestmark = pytest.mark.long

ROUTES = {
    "/api/usage/track": {"events": [{"provider": "openai", "model": "gpt-4o", "tokens": {"input": 1}}]},
    "/v1/traces": {"resourceSpans": []},
}


@pytest.fixture(scope="module")
def key(product: Product) -> str:
    body = {"name": "slow", "scopes": ["ingest"], "environment": "live"}
    status, made = product.bootstrap().call("POST", "/api/auth/api-keys", body)
    assert status == 201, made
    return made["key"]


def begin(product: Product, key: str, route: str, *headers: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", product.port), timeout=60)
    head = [f"POST {route} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}"]
    line.sendall("\r\n".join([*head, "Content-Type: application/json", *headers, "", ""]).encode())
    return line


def answer(line: socket.socket) -> int:
    return int(line.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("route", ROUTES)
def test_b26_a_body_that_is_shorter_than_it_says_is_400(route: str, product: Product, key: str):
    with closing(begin(product, key, route, "Content-Length: 1000")) as line:
        line.sendall(b'{"events"')
        line.shutdown(socket.SHUT_WR)

        assert answer(line) == 400


@pytest.mark.parametrize("route", ROUTES)
def test_b26_a_body_that_is_longer_than_it_says_is_400(route: str, product: Product, key: str):
    with closing(begin(product, key, route, "Content-Length: 5", "Connection: close")) as line:
        line.sendall(json.dumps(ROUTES[route]).encode())

        assert answer(line) == 400


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_in_chunks_is_read(route: str, product: Product, key: str):
    content = json.dumps(ROUTES[route]).encode()
    with closing(begin(product, key, route, "Transfer-Encoding: chunked")) as line:
        for part in (content[:7], content[7:], b""):
            line.sendall(b"%x\r\n%b\r\n" % (len(part), part))

        assert answer(line) in (200, 202)


@pytest.mark.parametrize("chunk", [b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"2\r\n{}--0\r\n\r\n"])
@pytest.mark.parametrize("route", ROUTES)
def test_b26_a_chunk_that_is_none_is_400(route: str, chunk: bytes, product: Product, key: str):
    with closing(begin(product, key, route, "Transfer-Encoding: chunked")) as line:
        line.sendall(chunk)

        assert answer(line) == 400


class Dripping:
    """Bodies that come a byte each half second, more of them than there are threads."""

    def __init__(self, product: Product, key: str) -> None:
        length = "Content-Length: 1000"
        self.lines = [begin(product, key, route, length) for route in ROUTES for _ in range(6)]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._drip)

    def __enter__(self) -> "Dripping":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        for line in self.lines:
            line.close()

    def _drip(self) -> None:
        lines = list(self.lines)
        while not self.over.wait(0.5):
            for line in list(lines):
                try:
                    line.sendall(b" ")
                except OSError:  # it was answered and closed
                    lines.remove(line)


@pytest.fixture
def dripping(product: Product, key: str) -> Iterator[Dripping]:
    with Dripping(product, key) as dripping:
        yield dripping


def test_b26_a_body_of_a_byte_at_a_time_is_408_and_its_place_is_free_again(dripping: Dripping, product: Product):
    begun = time.monotonic()

    assert product.is_ready()  # one sender's slow bodies never hold every thread
    assert [answer(line) for line in dripping.lines] == [408] * len(dripping.lines)
    assert time.monotonic() - begun < 3 * (PIECE_SECONDS + LOOKS) + 5  # four of a sender in one process come at a time
