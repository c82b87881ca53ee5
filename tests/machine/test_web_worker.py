"""gunicorn as it is started for the product, in front of an application that can be held up."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests.product import ROOT, free_port, wait_for
from tokentra.machine import programs, web_worker

THREADS = 3
SOON = 10  # seconds in which an answer comes unless somebody else holds it up


class Server:
    """Three threads in each process."""

    def __init__(self, directory: Path, *, processes: int = 1) -> None:
        self.port, self.begun_file, gate = free_port(), directory / "begun", directory / "gate"
        os.mkfifo(gate)
        self.gate = os.open(gate, os.O_RDWR)
        self.begun_file.touch()
        command = [*programs.web(f"127.0.0.1:{self.port}"), "--workers", str(processes), "--threads", str(THREADS)]
        command[command.index("tokentra.wsgi")] = "tests.machine.holding"
        told = {"GATE": str(gate), "BEGUN": str(self.begun_file), "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(command, cwd=ROOT, env=told)
        with closing(wait_for(self.line, 20, "it listens")):
            pass

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SOON)

    @property
    def begun(self) -> str:
        """Who came to the application, in this order."""
        return "".join(self.begun_file.read_text().split())

    def let_go(self, count: int) -> None:
        os.write(self.gate, bytes(count))

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("web"))
    try:
        yield server
    finally:
        server.let_go(1000)
        assert server.stop() == 0
        os.close(server.gate)


@pytest.fixture
def server(running) -> Server:
    running.begun_file.write_text("")
    return running


@pytest.fixture
def lines(server) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def head(who: str, path: str = "/", *more: str) -> bytes:
    return "\r\n".join(
        [f"GET {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {who}", f"X-Who: {who}", *more]
    ).encode()


def asking(server, lines, who, path="/", *more) -> socket.socket:
    line = lines.enter_context(closing(server.line()))
    line.sendall(head(who, path, *more) + b"\r\n\r\n")
    return line


def status(line: socket.socket) -> int:
    """Of the next answer; 0 where the connection ends without one."""
    told = b""
    while not told.endswith(b"\r\n\r\n"):
        if not (byte := line.recv(1)):
            return 0
        told += byte
    assert b"Content-Length: 4" not in told or line.recv(4, socket.MSG_WAITALL) == b"done"
    return int(told.split()[1])


def has_ended(line: socket.socket) -> bool:
    return line.recv(1) == b""


def all_are_read(server, lines) -> None:
    """Heads that came before this one: they are read in their order, and this one is answered by whoever reads it."""
    line = lines.enter_context(closing(server.line()))
    line.sendall(b"x" * web_worker.LARGEST_HEAD)
    assert status(line) == 431


def is_served(server, lines) -> bool:
    return status(asking(server, lines, "q")) == 200


def test_b39_a_flood_of_one_sender_waits_behind_others(server, lines):
    loud = [asking(server, lines, "a", "/wait") for _ in range(8)]
    wait_for(lambda: server.begun == "aa", SOON, "the loud one holds two of three places")

    assert status(asking(server, lines, "b")) == 200
    quiet = [asking(server, lines, who, "/wait") for who in "bc"]
    wait_for(lambda: server.begun == "aabb", SOON, "all places are held")
    all_are_read(server, lines)
    server.let_go(1)

    wait_for(lambda: len(server.begun) == 5, SOON, "somebody has the free place")
    assert server.begun == "aabbc"
    server.let_go(20)
    assert {status(line) for line in loud + quiet} == {200}


def test_heads_that_come_slowly_hold_no_thread_and_end(server, lines):
    slow = [lines.enter_context(closing(server.line())) for _ in range(2 * THREADS)]
    silent = [lines.enter_context(closing(server.line())) for _ in range(2 * THREADS)]
    for line in slow:
        line.sendall(head("s")[:20])

    assert is_served(server, lines)
    for line in slow:
        line.sendall(head("s")[20:40])
    assert is_served(server, lines)
    assert [status(line) for line in slow] == [408] * len(slow)
    assert all(has_ended(line) for line in silent)
    assert server.begun == "qq"


def test_a_head_in_pieces_and_requests_in_one_piece_are_read(server, lines):
    line = lines.enter_context(closing(server.line()))
    whole = head("s") + b"\r\n\r\n"
    for piece in (whole[:9], whole[9:50], whole[50:] + whole + whole[:30]):
        line.sendall(piece)
        assert is_served(server, lines)
    assert [status(line) for _ in range(2)] == [200, 200]
    assert is_served(server, lines)
    line.sendall(whole[30:])

    assert status(line) == 200


def test_a_head_without_an_end_is_refused(server, lines):
    line = lines.enter_context(closing(server.line()))
    line.sendall(head("s") + b"\r\nX: " + b"x" * 64 * 1024)

    assert status(line) == 431


def test_an_answer_that_nobody_takes_holds_no_thread_for_long(server, lines):
    for _ in range(THREADS - 1):
        asking(server, lines, "a", "/large")
    wait_for(lambda: server.begun == "aa", SOON, "they are answered")

    asking(server, lines, "a", "/large")

    wait_for(lambda: server.begun == "aaa", SOON, "a place is free again")


def test_whoever_does_not_close_after_the_answer_holds_nobody_up(server, lines):
    kept = [asking(server, lines, "a", "/", "Connection: close") for _ in range(8)]
    assert [status(line) for line in kept] == [200] * 8

    begun = time.monotonic()
    assert is_served(server, lines)
    assert time.monotonic() - begun < 10  # gunicorn alone waits two seconds for each of them
    assert all(has_ended(line) for line in kept)


def test_connections_that_stay_open_are_spread_and_none_waits_for_who_stands_still(tmp_path):
    server = Server(tmp_path, processes=2)
    processes = wait_for(lambda: both(server), SOON, "both processes have begun")
    try:
        with ExitStack() as lines:
            for number in range(12):
                assert status(asking(server, lines, str(number))) == 200
            held = [len(each.net_connections("tcp")) for each in processes]

            assert min(held) >= max(held) - 1, held

        processes[0].suspend()
        with ExitStack() as lines:
            assert [status(asking(server, lines, str(number))) for number in range(4)] == [200] * 4
    finally:
        processes[0].resume()
        assert server.stop() == 0
        os.close(server.gate)


def both(server) -> list[psutil.Process]:
    """Its two processes, once each waits for connections."""
    found = psutil.Process(server.process.pid).children()
    return found if len(found) == 2 and all(map(is_waiting, found)) else []


def is_waiting(process) -> bool:
    """Its poller looks at more than its own queue."""
    polled = [each.read_text().count("tfd:") for each in Path(f"/proc/{process.pid}/fdinfo").iterdir()]
    return max(polled) > 1


def test_one_connection_after_another_sender_and_in_pieces(server, lines):
    """Whatever follows an answer at once, the thread that stays or the main one reads it."""
    line = asking(server, lines, "a")
    told = [status(line)]
    for who in "abba":
        line.sendall(head(who) + b"\r\n\r\n")
        told.append(status(line))
    line.sendall(head("c")[:20])
    assert is_served(server, lines)
    line.sendall(head("c")[20:] + b"\r\n\r\n")

    assert [*told, status(line)] == [200] * 6
    assert server.begun == "aabbaqc"


@pytest.mark.parametrize(
    ("sent", "is_here"),
    [
        (head("a") + b"\r\n\r\n", True),
        (head("a", "/", "Content-Length: 4") + b"\r\n\r\nbody", True),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),  # whoever says nothing is who they were
        (head("b") + b"\r\n\r\n", False),
        (head("a"), False),
        (b"", False),
        (None, False),
    ],
    ids=["head", "body", "nobody", "another", "piece", "nothing", "end"],
)
def test_a_thread_stays_for_the_next_request_of_its_sender(sent, is_here):
    here, there = socket.socketpair()
    with closing(here), closing(there):
        conn = web_worker.Line(SimpleNamespace(cfg=None), here, ("127.0.0.1", 1), ("127.0.0.1", 2))
        conn.sender = web_worker.sender_of(head("a") + b"\r\n\r\n")
        there.close() if sent is None else there.sendall(sent)

        assert web_worker.comes(conn) is is_here
        assert here.recv(1, socket.MSG_DONTWAIT)[:1] == sent[:1] if sent else True
