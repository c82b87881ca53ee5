"""A key in the running product: known to every process while it works, and to none once whoever ended it was answered.

The quick forms are in tests/sdk_keys/test_resolving.py.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from urllib.parse import urlencode

import pytest

from tests.product import Api, Product, wait_for

pytestmark = pytest.mark.long

MANY = 24  # at once: more than the threads of one process take


@pytest.fixture(scope="module")
def owner(product: Product) -> Api:
    return product.bootstrap()


@pytest.fixture
def frozen_redis(product: Product) -> Iterator[None]:
    """It takes connections and answers nothing."""
    servers = product.children("valkey")
    assert servers
    for server in servers:
        server.suspend()
    yield
    for server in servers:
        server.resume()


def made(owner: Api) -> tuple[str, str]:
    body = {"name": "Nightly report", "scopes": ["read"], "environment": "live"}
    status, key = owner.call("POST", "/api/auth/api-keys", body)
    assert status == 201, key
    return key["id"], key["key"]


def revoked(owner: Api, pk: str) -> None:
    assert owner.call("DELETE", f"/api/auth/api-keys/{pk}")[0] == 204


def replaced(owner: Api, pk: str) -> None:
    path = f"/settings/sdk/{pk}/replace/"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', owner.send("GET", path)[1].decode())
    assert token
    form = urlencode({"csrfmiddlewaretoken": token.group(1), "old": "now"})
    status, page = owner.send("POST", path, form.encode(), {"Referer": f"{owner.url}{path}"})
    assert (status, b"is refused from now on" in page) == (200, True)


def asked(product: Product, key: str) -> int:
    return Api(product.url).send("GET", "/api/usage/stats", headers={"Authorization": f"Bearer {key}"})[0]


def answers(product: Product, key: str) -> set[int]:
    with ThreadPoolExecutor(8) as crowd:
        return set(crowd.map(lambda _: asked(product, key), range(MANY)))


@pytest.mark.parametrize("end", [revoked, replaced])
def test_e10_no_request_that_begins_after_a_key_was_ended_is_accepted(
    end: Callable[[Api, str], None], product: Product, owner: Api
):
    for _ in range(10):
        pk, key = made(owner)
        seen: list[tuple[float, int]] = []  # when each began, and its answer
        is_over = Event()

        def send(key: str = key, seen: list[tuple[float, int]] = seen, is_over: Event = is_over) -> None:
            while not is_over.is_set():
                seen.append((monotonic(), asked(product, key)))

        with ThreadPoolExecutor(8) as crowd:
            try:
                programs = [crowd.submit(send) for _ in range(8)]
                wait_for(lambda seen=seen: len(seen) > MANY, 60, "every process knows the key")
                end(owner, pk)
                after = monotonic()
                wait_for(lambda seen=seen, after=after: sum(began > after for began, _ in seen) > MANY, 60, "more came")
            finally:
                is_over.set()
            assert [program.result() for program in programs] == [None] * 8

        assert seen[0][1] == 200
        assert {status for began, status in seen if began > after} == {401}


@pytest.mark.usefixtures("frozen_redis")
def test_e10_and_within_five_seconds_while_redis_does_not_answer(product: Product, owner: Api):
    pk, key = made(owner)
    assert answers(product, key) == {200}

    assert owner.call("DELETE", f"/api/auth/api-keys/{pk}")[0] == 204

    wait_for(lambda: answers(product, key) == {401}, 5, "every process refuses the key")


def test_e9_no_log_holds_a_key(product: Product, owner: Api):
    _, key = made(owner)
    Api(product.url).send("GET", f"/api/usage/stats?key={key}")
    Api(product.url).send("GET", "/api/usage/stats", headers={"Authorization": f"Bearer {key}x"})

    assert key not in product.log
