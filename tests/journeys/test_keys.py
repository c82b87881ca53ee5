"""A key in the running product: known to every process while it works, and to none a moment after it was revoked.

The quick forms are in tests/sdk_keys/test_resolving.py.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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


def answers(product: Product, key: str) -> set[int]:
    def ask(_: int) -> int:
        return Api(product.url).send("GET", "/api/usage/stats", headers={"Authorization": f"Bearer {key}"})[0]

    with ThreadPoolExecutor(8) as crowd:
        return set(crowd.map(ask, range(MANY)))


def test_e10_every_process_refuses_a_revoked_key_within_a_second(product: Product, owner: Api):
    for _ in range(5):
        pk, key = made(owner)
        assert answers(product, key) == {200}

        assert owner.call("DELETE", f"/api/auth/api-keys/{pk}")[0] == 204

        wait_for(lambda key=key: answers(product, key) == {401}, 1, "every process refuses the key")


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
