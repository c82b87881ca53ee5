"""A web application that says who came and holds them as long as a test wants, under gunicorn."""

import os
from pathlib import Path

from tokentra.machine import web_worker

web_worker.HEAD_SECONDS, web_worker.ANSWER_SECONDS, web_worker.LINGER_SECONDS = 1.5, 1.0, 60.0

GATE = os.open(os.environ["GATE"], os.O_RDWR)  # a byte in it lets one go on
BEGUN = Path(os.environ["BEGUN"])
LARGE = [bytes(2**20)] * 16


def application(environ, start_response):
    with BEGUN.open("a") as begun:
        begun.write(f"{environ['HTTP_X_WHO']}\n")
    if environ["PATH_INFO"] == "/wait":
        os.read(GATE, 1)
    answer = LARGE if environ["PATH_INFO"] == "/large" else [b"done"]
    start_response("200 OK", [("Content-Length", str(sum(map(len, answer))))])
    return answer
