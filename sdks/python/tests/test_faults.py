"""Whatever goes wrong with TokenTra, a call of any client is as it was, and every event is sent, kept or counted."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import shapes
from families import FAMILIES
from tokentra_sdk import TokenTra, attributes, posting, sender
from tokentra_sdk.calls import Call

HERE = Path(__file__).resolve().parent
KEY = "tt_test_generated"
EVENTS = sum(len(family.told) for family in FAMILIES.values())


class Odd:
    def __str__(self):
        raise RuntimeError("no text")


# What is in the way; a server answers as `fault` says, for a while.


def away(tokentra, monkeypatch):
    return {"url": "http://127.0.0.1:9"}


def slow(tokentra, monkeypatch):
    tokentra.open.clear()
    return {}


def falling_over(tokentra, monkeypatch):
    tokentra.fail(500, 2)
    tokentra.fail(503, 2, {"Retry-After": "0"})
    return {}


def refusing_the_key(tokentra, monkeypatch):
    tokentra.fail(401, 1_000)
    return {}


def no_tokentra(tokentra, monkeypatch):
    tokentra.faults.extend([(200, {}, b"<html>")] * 1_000)
    return {}


def full_disk(tokentra, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.rename", full)
    return {"url": "http://127.0.0.1:9"}


def no_thread(tokentra, monkeypatch):
    """As when the interpreter ends: none of ours can be begun."""
    begin = threading.Thread.start

    def start(self):
        if self.name == "tokentra-sender":
            raise RuntimeError("can't start new thread")
        begin(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    return {}


# What is lost of the events when the program ends.
FAULTS = {
    away: {},
    slow: {},
    falling_over: {},
    refusing_the_key: {"blocked": EVENTS},
    no_tokentra: {},
    full_disk: {"not_sent": EVENTS},
    no_thread: {},
}


@pytest.fixture(scope="module")
def plain(_models):
    return {name: family.make(_models.url) for name, family in FAMILIES.items()}


@pytest.fixture(scope="module")
def clients(_models):
    return {name: family.make(_models.url) for name, family in FAMILIES.items()}


@pytest.fixture(scope="module")
def expected(plain):
    """What each call answers without us."""
    return {name: FAMILIES[name].call(client) for name, client in plain.items()}


@pytest.fixture
def make(tokentra, tmp_path, monkeypatch):
    monkeypatch.setattr(posting, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(posting, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(sender, "BLOCKED_WAIT", 0.05)

    def make(url=None, **options):
        return TokenTra(KEY, url or tokentra.url, every=0.02, spool_directory=tmp_path / "spool", **options)

    return make


@pytest.fixture
def calls(clients, expected):
    def calls(sdk):
        for name, client in clients.items():
            assert FAMILIES[name].call(sdk.wrap(client)) == expected[name], name

    return calls


def balanced(sdk):
    told = sdk.stats()
    return told["recorded"] == told["sent"] + told["waiting"] + told["on_disk"] + sum(told["lost"].values())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_calls_of_every_family_are_intact_and_no_event_is_lost_in_silence(fault, make, tokentra, calls, monkeypatch):
    sdk = make(**fault(tokentra, monkeypatch))
    calls(sdk)
    if fault in (refusing_the_key, away, full_disk, no_tokentra):
        until(lambda: sdk.stats()["last_error"])
    tokentra.open.set()
    sdk.close(0.3)

    told = sdk.stats()
    assert told["recorded"] == EVENTS
    assert told["lost"] == FAULTS[fault]
    assert balanced(sdk), told


def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def test_what_cannot_be_written_harms_no_call_of_any_family(make, tokentra, calls):
    sdk = make()
    with attributes(customer_id=Odd(), odd=Odd(), more=float("nan"), half="\ud800"):
        calls(sdk)
    assert sdk.flush(10)

    assert len(tokentra.events) == EVENTS
    assert {event["customerId"] for event in tokentra.events.values()} == {"<Odd>"}


@pytest.mark.parametrize("name", ["__init__", "came", "succeeded"])
def test_measuring_that_fails_is_counted_and_harms_no_call_of_any_family(make, calls, monkeypatch, name):
    def fail(self, *_):
        raise RuntimeError("no")

    monkeypatch.setattr(Call, name, fail)
    sdk = make()
    calls(sdk)

    assert sdk.stats()["lost"]["sdk_error"] >= len(FAMILIES)


@pytest.mark.parametrize("odd", [None, "many", -5, [1], {"tokens": {}}, 10**30])
def test_usage_that_makes_no_sense_harms_no_call_of_any_family(make, plain, clients, monkeypatch, odd):
    """What a library makes of it, it makes of it with us as without us."""
    monkeypatch.setattr(shapes, "spoil", lambda content: spoiled(content, odd))
    sdk = make()
    for name, family in FAMILIES.items():
        without, within = outcome(family.call, plain[name]), outcome(family.call, sdk.wrap(clients[name]))
        assert within == without, name
    sdk.flush(10)

    assert balanced(sdk)
    assert set(sdk.stats()["lost"]) <= {"sdk_error"}


def spoiled(content, odd, *, is_usage=False):
    if isinstance(content, dict):
        return {
            name: spoiled(value, odd, is_usage=is_usage or "usage" in name.lower() or name in ("meta", "metadata"))
            for name, value in content.items()
        }
    if isinstance(content, list):
        return [spoiled(value, odd, is_usage=is_usage) for value in content]
    return odd if is_usage and isinstance(content, int) else content


def outcome(call, client):
    try:
        return call(client)
    except Exception as error:
        return type(error)


def test_calls_of_every_family_are_told_by_the_process_that_made_them(make, tokentra, calls, models):
    sdk = make()
    calls(sdk)
    child = os.fork()
    if not child:
        told = 1
        with suppress(BaseException), attributes(customer_id="child"):
            for family in FAMILIES.values():
                family.call(sdk.wrap(family.make(models.url)))
            told = 0 if sdk.flush(10) and sdk.stats()["sent"] == EVENTS else 2
        os._exit(told)
    assert os.waitpid(child, 0)[1] == 0
    assert sdk.flush(10)

    customers = [event.get("customerId") for event in tokentra.events.values()]
    assert (customers.count(None), customers.count("child")) == (EVENTS, EVENTS)
    assert tokentra.duplicates == 0


@pytest.mark.long
def test_a_program_with_every_client_ends_and_loses_nothing(tokentra, models, tmp_path):
    program = """
        import os, tokentra_sdk
        from families import FAMILIES
        tokentra_sdk.observe(every=60)
        for family in FAMILIES.values():
            family.call(family.make(os.environ["MODELS"]))
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOKENTRA_")}
    environ |= {
        "PYTHONPATH": f"{HERE.parent / 'src'}:{HERE}",
        "TOKENTRA_URL": tokentra.url,
        "TOKENTRA_API_KEY": KEY,
        "TOKENTRA_SPOOL_DIR": str(tmp_path),
        "MODELS": models.url,
    }
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)]
    subprocess.run(command, env=environ, check=True, timeout=120)

    assert len(tokentra.events) == EVENTS
