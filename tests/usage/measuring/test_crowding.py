"""What waited for too long is refused with 503 on both routes, before anything is read; large requests take turns."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connections
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


@pytest.fixture
def post(acme, transactional_db):
    """Nothing, in a body of so many bytes, from a thread of its own."""
    told = {"Authorization": f"Bearer {issued(acme, 'ingest').clear}"}

    def post(route, size):
        body = json.dumps({"events" if "track" in route else "resourceSpans": []}).ljust(size)
        try:
            return Client().post(route, body, content_type="application/json", headers=told).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield lambda route, size: pool.submit(post, route, size)


@pytest.mark.parametrize("route", ["/api/usage/track", "/v1/traces"])
def test_large_requests_take_turns_and_small_ones_pass(route, post, monkeypatch):
    monkeypatch.setattr(crowding, "PATIENCE", 30)
    with crowding.in_turn(crowding.LARGE + 1):
        assert post(route, crowding.LARGE).result(20) in (200, 202)
        large = post(route, crowding.LARGE + 1)
        with pytest.raises(TimeoutError):
            large.result(0.3)

    assert large.result(20) in (200, 202)


@pytest.mark.parametrize("route", ["/api/usage/track", "/v1/traces"])
def test_one_that_the_database_keeps_holds_no_other_up(route, post, monkeypatch):
    monkeypatch.setattr(crowding, "PATIENCE", 0.3)
    with crowding.in_turn(crowding.LARGE + 1):
        assert post(route, crowding.LARGE + 1).result(20) in (200, 202)
        monkeypatch.setattr(crowding._place, "_since", time.monotonic() - 30)
        monkeypatch.setattr(crowding, "PATIENCE", 29)
        assert post(route, crowding.LARGE + 1).result(20) in (200, 202)

    with crowding.in_turn(crowding.LARGE + 1), pytest.raises(TimeoutError):
        post(route, crowding.LARGE + 1).result(0.3)


@pytest.mark.parametrize("body", [b"{", b'{"events": [], "more": 1}', json.dumps({"events": [1] * 1_001}).encode()])
def test_a_large_request_that_is_refused_leaves_its_place(body, acme, held):
    told = {"Authorization": f"Bearer {issued(acme, 'ingest').clear}"}
    large = body.ljust(crowding.LARGE + 1)
    refused = Client().post("/api/usage/track", large, content_type="application/json", headers=told)

    assert refused.status_code in (400, 413)
    with crowding.in_turn(len(large)):
        assert crowding._place._lock.locked()  # it was free
