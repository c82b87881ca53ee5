"""One organization floods the way in; the others notice nothing (reliability B39)."""

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.product import EMAIL, PASSWORD, Product

pytestmark = pytest.mark.long

TRACK = "/api/usage/track"
PACE = 20  # requests a second that an organization may send
FLOODS, FLOOD = 2, 150  # senders of the loud one, and the requests a second of each
QUIET, ASKED, PAIRS = 4, 240, 5
EVENT = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 900, "output": 45}, "customerId": "c1"}
FLOODING = """
import http.client, json, sys, time
from collections import Counter
port, key, event, rate = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
answers, due, over = Counter(), time.monotonic(), time.monotonic() + 60
print("begun", flush=True)
while time.monotonic() < over:
    connection.request("POST", "/api/usage/track", event, {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    answers[answer.status] += 1
    if not answers.total() % 50:
        print(json.dumps(answers), flush=True)
    due = max(due + 1 / rate, time.monotonic() - 1)
    time.sleep(max(0, due - time.monotonic()))
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("neighbours"), {"TOKENTRA_INGEST_REQUESTS": str(PACE)}) as running:
        yield running


def key_of(product: Product, organization: str, directory: Path) -> str:
    path = directory / organization
    told = {"EMAIL": f"{organization}-{EMAIL}", "PASSWORD": PASSWORD, "ORGANIZATION": organization}
    env = {f"TOKENTRA_BOOTSTRAP_{name}": text for name, text in told.items()}
    product.manage("bootstrap", env=env | {"TOKENTRA_BOOTSTRAP_API_KEY_FILE": str(path)})
    return path.read_text().strip()


@contextmanager
def flooding(product: Product, key: str, told: Counter[str]) -> Iterator[None]:
    """Processes of their own that keep their rate, whatever is answered; what that was is added to `told`."""
    command = [sys.executable, "-c", FLOODING, str(product.port), key, json.dumps(EVENT), str(FLOOD)]
    senders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(FLOODS)]
    try:
        assert all(sender.stdout.readline() == "begun\n" for sender in senders)
        yield
    finally:
        for sender in senders:
            sender.terminate()
            *_, last = sender.communicate(timeout=60)[0].splitlines()
            told.update(json.loads(last))


def p99(product: Product, keys: list[str]) -> float:
    """Seconds, over the requests of organizations that keep within their pace."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    times = []
    for number in range(ASKED):
        headers = {"Authorization": f"Bearer {keys[number % len(keys)]}", "Content-Type": "application/json"}
        began = time.monotonic()
        connection.request("POST", TRACK, json.dumps(EVENT), headers)
        answer = connection.getresponse()
        answer.read()
        times.append(time.monotonic() - began)
        assert answer.status == 202
        time.sleep(1.25 / (PACE * len(keys)))  # as programs that keep within their pace do
    return sorted(times)[int(len(times) * 0.99)]


def test_b39_a_flood_of_one_organization_leaves_the_answers_of_others_as_fast(product: Product, tmp_path: Path):
    neighbours = [key_of(product, f"neighbour{number}", tmp_path) for number in range(QUIET)]
    loud = key_of(product, "loud", tmp_path)
    p99(product, neighbours)  # what a process learns at first is learned

    ratios, told = [], Counter[str]()
    for _ in range(PAIRS):
        calm = p99(product, neighbours)
        with flooding(product, loud, told):
            ratios.append(p99(product, neighbours) / calm)

    print(ratios, told)
    assert told["429"] > 0.8 * told.total() > 1000
    assert min(ratios) <= 1.2, ratios  # other work of the machine can only make single ones worse
