"""What waited for too long is refused with 503 on both routes, before anything is read."""

import json
import socket
from contextlib import closing

import pytest
from django.test import Client

from tests.product import wait_for
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import event
from usage.measuring import crowding


@pytest.fixture
def line():
    """A connection over which something came."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
        with closing(sender), closing(receiver):
            sender.sendall(b"POST")
            receiver.recv(4)
            yield receiver


@pytest.mark.parametrize("route", ["/api/usage/track", "/v1/traces"])
def test_b40_what_waited_too_long_is_503(route, acme, line, held, monkeypatch):
    body = json.dumps(event() if "track" in route else {"resourceSpans": []})
    told = {"Authorization": f"Bearer {issued(acme, 'ingest').clear}"}

    def post():
        return Client().post(route, body, content_type="application/json", headers=told, **{"gunicorn.socket": line})

    assert post().status_code in (200, 202, 422)
    monkeypatch.setattr(crowding, "LONGEST_WAIT", 0.3)
    wait_for(lambda: crowding.waited(line) > 0.3, 5, "the request has waited")
    answer = post()

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_without_a_connection_nothing_is_refused():
    pair, other = socket.socketpair()
    with closing(pair), closing(other):
        assert (crowding.waited(None), crowding.waited(pair)) == (0.0, 0.0)
