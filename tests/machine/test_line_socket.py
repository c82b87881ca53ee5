"""What goes out over a connection, in which pieces, and how long it is waited for."""

import socket
import threading
from contextlib import closing

import pytest

from tokentra.machine.line_socket import LineSocket

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"done"
LARGE = bytes(2**23)


@pytest.fixture
def pair():
    """Ours, and the other side's, of a kind that keeps pieces apart."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with closing(LineSocket(ours, within=0.2)) as line, closing(theirs):
        theirs.settimeout(10)
        yield line, theirs


@pytest.fixture
def stream():
    """The same over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname(), timeout=10)
        ours, _ = server.accept()
    with closing(LineSocket(ours, within=0.2)) as line, closing(theirs):
        yield line, theirs


def pieces(theirs, count):
    return [theirs.recv(2**16) for _ in range(count)]


def test_the_head_goes_out_with_the_first_piece_of_the_body(pair):
    line, theirs = pair
    line.hold_next()
    line.sendall(HEAD)
    line.sendall(BODY)
    line.sendall(BODY)
    line.flush()
    assert pieces(theirs, 2) == [HEAD + BODY, BODY]


def test_a_head_alone_goes_out_at_the_end(pair):
    line, theirs = pair
    line.hold_next()
    line.sendall(HEAD)
    line.flush()
    assert pieces(theirs, 1) == [HEAD]
    line.sendall(BODY)
    assert pieces(theirs, 1) == [BODY]


def test_after_a_failure_nothing_is_held(pair):
    line, theirs = pair
    line.hold_next()
    line.flush()  # there was no head
    line.sendall(BODY)
    assert pieces(theirs, 1) == [BODY]


def test_a_closed_connection_has_nothing_to_send(pair):
    line, _ = pair
    line.hold_next()
    line.sendall(HEAD)
    line.close()
    line.flush()


def test_a_file_goes_out_behind_its_head(stream, tmp_path):
    line, theirs = stream
    (tmp_path / "file").write_bytes(BODY)
    line.hold_next()
    line.sendall(HEAD)
    with (tmp_path / "file").open("rb") as file:
        assert line.sendfile(file) == len(BODY)
    line.close()
    assert b"".join(iter(lambda: theirs.recv(2**16), b"")) == HEAD + BODY


def test_what_nobody_takes_is_given_up(stream, tmp_path):
    line, _ = stream
    with pytest.raises(TimeoutError):
        line.sendall(LARGE)
    (tmp_path / "file").write_bytes(LARGE)
    with (tmp_path / "file").open("rb") as file, pytest.raises(TimeoutError):
        line.sendfile(file)


def test_what_is_taken_too_slowly_is_given_up(stream):
    line, theirs = stream
    is_over = threading.Event()

    def take():
        while not is_over.wait(0.02):
            theirs.recv(2**14)

    taker = threading.Thread(target=take)
    taker.start()
    try:
        with pytest.raises(TimeoutError):
            line.sendall(LARGE)
    finally:
        is_over.set()
        taker.join()


def test_who_may_not_wait_does_not(stream):
    line, _ = stream
    line.setblocking(False)
    with pytest.raises(BlockingIOError):
        line.recv(1)
    with pytest.raises(BlockingIOError):
        line.sendall(LARGE)


def test_a_wait_is_as_long_as_it_was_set_last(pair):
    line, theirs = pair
    line.setblocking(False)
    line.settimeout(0.05)
    assert line.gettimeout() == 0.05
    with pytest.raises(TimeoutError):
        line.recv(1)
    line.setblocking(True)
    theirs.sendall(BODY)
    assert (line.gettimeout(), line.recv(10)) == (None, BODY)


def test_a_head_alone_goes_out_before_the_end(pair):
    line, theirs = pair
    line.hold_next()
    line.sendall(HEAD)
    line.shutdown(socket.SHUT_RD)  # as who watches over slow bodies does
    line.shutdown(socket.SHUT_WR)
    assert pieces(theirs, 2) == [HEAD, b""]
