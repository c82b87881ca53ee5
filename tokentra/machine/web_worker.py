"""gunicorn's worker with threads, for senders of every kind: fast ones take turns, slow ones hold no thread.

A request gets a thread once its head is here, whoever has the next turn. Its body comes in time by
tokentra.lib.slow_bodies, its answer is taken in time or the connection ends.
"""

import errno
import re
import select
import selectors
import socket
import time
from collections.abc import Hashable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]  # it comes without types

from tokentra.machine.evenly import Held
from tokentra.machine.line_socket import LineSocket
from tokentra.machine.turn_taking import Threads

HEAD_SECONDS = 10.0  # for a whole head, from the connection's beginning or the first byte of a further request
ANSWER_SECONDS = 30.0  # for the other side to take one piece of an answer
LINGER_SECONDS = 2.0  # for the other side to close, once its answer is sent
PATIENCE = 0.005  # seconds for which a new connection is left to a process that holds fewer
LOOKS = 0.5  # seconds between two looks at those that are waited for
STAYS = 2  # milliseconds for which a thread stays with whoever it answered
FIRST_LOOK, LARGEST_HEAD = 4 * 1024, 64 * 1024
END = b"\r\n\r\n"
KEY = re.compile(rb"^authorization:[ \t]*([^\r\n]+)", re.I | re.M)
SESSION = re.compile(rb"^cookie:[^\r\n]*?sessionid=([^;\r\n]+)", re.I | re.M)
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Line(TConn):  # type: ignore[misc]  # it comes without types
    """A connection. `seen` is how much of a head is here that is not whole."""

    def __init__(self, worker: "Worker", sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.data_ready = True  # no thread waits for its first byte
        self.sender: Hashable = client[0] if isinstance(client, tuple) else ""
        self.seen = 0
        self.timeout = time.monotonic() + HEAD_SECONDS
        self._worker = worker

    @property
    def left(self) -> bytes:
        """What was read together with the last request."""
        return bytes(self.parser.unreader.buf.getvalue()) if self.parser else b""

    def close(self, graceful: bool = False) -> None:
        """Gracefully, the answer reaches the other side first: it is waited for without holding anybody up."""
        if graceful:
            self._worker.linger(self)
        else:
            super().close()


class Worker(ThreadWorker):  # type: ignore[misc]  # it comes without types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pending_conns: set[Line] = set()
        self.lingering: dict[Line, float] = {}
        self._next_look = 0.0
        self._held = Held(self.age)
        self._left_until = 0.0

    def notify(self) -> None:
        super().notify()
        self._held.say(self.nr_conns)

    def get_thread_pool(self) -> Threads:
        return Threads(self.cfg.threads)

    def enqueue_req(self, conn: Line) -> None:
        """A further request came behind the last one, in part at least."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + HEAD_SECONDS
        if is_whole(conn.left + arrived(conn.sock)):
            self.begin(conn)
        else:
            self.wait(conn)

    def begin(self, conn: Line) -> None:
        done = self.tpool.submit(conn.sender, partial(self.serve, conn))
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def serve(self, conn: Line) -> Any:
        """One request, and those that come right behind its answer, as long as nobody else needs the thread."""
        while True:
            goes_on = self.handle(conn)
            if goes_on is not True or not (self.alive and self.tpool.has_room and comes(conn)):
                return goes_on

    def accept(self, listener: Any) -> None:
        if not self._left_until and self._held.has_more_than_another(self.nr_conns):
            self._left_until = time.monotonic() + PATIENCE
            self.set_accept_enabled(False)
            return
        try:
            sock, client = listener.accept()
        except OSError as problem:
            if problem.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        self._held.say(self.nr_conns)
        self.wait(Line(self, LineSocket(sock, within=ANSWER_SECONDS), client, listener.getsockname()))

    def set_accept_enabled(self, enabled: bool) -> None:
        if not (enabled and time.monotonic() < self._left_until):
            super().set_accept_enabled(enabled)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        left, is_offered = self._left_until - time.monotonic(), self._accepting
        super().wait_for_and_dispatch_events(min(timeout, left) if left > 0 else timeout)
        if is_offered and self._accepting:  # the one that was left is accepted by now, by whomever
            self._left_until = 0.0

    def wait(self, conn: Line) -> None:
        self.pending_conns.add(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Line, client: Any) -> None:
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self.look(conn)

    def on_client_socket_readable(self, conn: Line, client: Any) -> None:
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.timeout = time.monotonic() + HEAD_SECONDS
        self.look(conn)

    def look(self, conn: Line) -> None:
        """Something came: go on once the head is whole, so that reading it holds up nobody."""
        came = arrived(conn.sock)
        head = conn.left + came
        if is_whole(head):
            if conn.seen:
                needs(conn.sock, 1)
            conn.seen, conn.sender = 0, sender_of(head) or conn.sender
            self.begin(conn)
        elif len(head) >= LARGEST_HEAD:
            self.leave(conn, TOO_LARGE)
        elif len(came) <= conn.seen:  # it ended
            self.leave(conn)
        else:
            conn.seen = len(came)
            needs(conn.sock, conn.seen + 1)
            self.wait(conn)

    def leave(self, conn: Line, answer: bytes = b"") -> None:
        if answer:
            with suppress(OSError):
                conn.sock.send(answer)
        self.nr_conns -= 1
        conn.close(graceful=bool(answer))

    def linger(self, conn: Line) -> None:
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.read_to_its_end, conn))
        except (OSError, ValueError):
            conn.close()
        else:
            self.lingering[conn] = time.monotonic() + LINGER_SECONDS

    def read_to_its_end(self, conn: Line, client: socket.socket) -> None:
        with suppress(OSError):
            if client.recv(LARGEST_HEAD):
                return
        self.forget(conn)

    def forget(self, conn: Line) -> None:
        del self.lingering[conn]
        self.poller.unregister(conn.sock)
        conn.close()

    def murder_pending(self) -> None:
        """Ends whose head did not come in time, and whoever does not close after their answer."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOKS
        until = now if self.alive else now + HEAD_SECONDS - LINGER_SECONDS  # a stopping worker waits less long
        for conn in [each for each in self.pending_conns if each.timeout <= until]:
            self.pending_conns.remove(conn)
            self.poller.unregister(conn.sock)
            self.leave(conn, TOO_SLOW if conn.seen else b"")
        for conn in [each for each, over in self.lingering.items() if over <= now]:
            self.forget(conn)

    def handle_request(self, req: Any, conn: Line) -> bool:
        conn.sock.hold_next()
        try:
            try:
                return bool(super().handle_request(req, conn))
            finally:
                conn.sock.flush()
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the answer was not taken in time") from None


def comes(conn: Line) -> bool:
    """Whether the same sender's next request begins within a moment; a head in pieces is left to the main thread."""
    if conn.left:
        return False
    look = select.poll()
    look.register(conn.sock, select.POLLIN)
    if not look.poll(STAYS):
        return False
    head = arrived(conn.sock)
    return is_whole(head) and sender_of(head) in (None, conn.sender)


def arrived(sock: socket.socket) -> bytes:
    """What is here and not read yet, as far as a head may go; it stays there."""
    try:
        found = sock.recv(FIRST_LOOK, socket.MSG_PEEK)
        return found if END in found or len(found) < FIRST_LOOK else sock.recv(LARGEST_HEAD, socket.MSG_PEEK)
    except OSError:
        return b""


def is_whole(head: bytes) -> bool:
    return END in head.lstrip(b"\r\n")


def needs(sock: socket.socket, size: int) -> None:
    """Wake us when so much is here; what is here already wakes nobody."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


def sender_of(head: bytes) -> Hashable:
    """A program by its key, a person by their session; only a hash of it stays in memory."""
    head = head[: head.find(END)]
    found = KEY.search(head) or SESSION.search(head)
    return hash(found[1]) if found else None
