"""Model servers on this machine that answer as the providers do; what they say stands in `shapes`, by path."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import shapes
from taking import Server


class Models:
    """Where they answer, and what they were asked: (path, body, headers)."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, Any, dict[str, str]]] = []


@contextmanager
def answering() -> Iterator[Models]:
    models = Models()

    class Model(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are written one after another

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                asked = json.loads(body)
            except ValueError:
                asked = {"form": body}
            models.asked.append((self.path, asked, dict(self.headers)))
            self._tell(shapes.answer(self.path, asked))

        def do_GET(self) -> None:
            models.asked.append((self.path, None, dict(self.headers)))
            self._tell(shapes.answer(self.path, None))

        def _tell(self, answer: shapes.Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.pieces is None:
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                return
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                for piece in answer.pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # who asked reads no further

        def log_message(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    models.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield models
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
