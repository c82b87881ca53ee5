"""Whatever happens between a program and TokenTra: the call is intact, and every loss is counted and said."""

import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from taking import taking
from tokentra_sdk import TokenTra, attributes, posting, sender
from tokentra_sdk.ids import minted

KEY = "tt_test_generated"


@pytest.fixture
def make(tokentra, tmp_path):
    made = []

    def make(url=None, **options):
        one = TokenTra(KEY, url or tokentra.url, **{"every": 0.02, "spool_directory": tmp_path / "spool", "timeout": 5.0, **options})  # fmt: skip
        made.append(one)
        return one

    yield make
    for each in made:
        each.close(0.5)


@pytest.fixture
def soon(monkeypatch):
    """Waits are short, and in the same proportion."""
    monkeypatch.setattr(posting, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(posting, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(sender, "BLOCKED_WAIT", 0.05)


def call(sdk, **more):
    return sdk.record(**{"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 9, "output": 1}, **more})


def until(condition, timeout=10.0):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


def balance(sdk):
    """Everything that was recorded is sent, waits somewhere, or is counted as lost."""
    told = sdk.stats()
    return told["recorded"] == told["sent"] + told["waiting"] + told["on_disk"] + sum(told["lost"].values())


def test_events_go_out_in_packed_batches_with_the_key(make, tokentra):
    sdk = make(every=60)
    ids = [call(sdk) for _ in range(1200)]
    assert sdk.flush(10)

    assert {event["id"] for event in tokentra.wait(1200)} == set(ids)
    assert [len(events) for _, events in tokentra.requests] == [500, 500, 200]
    assert {headers["Authorization"] for headers, _ in tokentra.requests} == {f"Bearer {KEY}"}
    until(lambda: sdk.stats()["sent"] == 1200)
    assert balance(sdk)


def test_one_event_is_sent_by_itself_after_a_while(make, tokentra):
    call(make())

    assert tokentra.wait(1)


def test_ids_are_minted_once_and_carry_their_time(make, tokentra):
    before = time.time()
    id = call(make())

    [event] = tokentra.wait(1)
    assert (len(id), id[14], id[19] in "89ab") == (36, "7", True)
    assert before - 1 <= int(id.replace("-", "")[:12], 16) / 1000 <= time.time()
    assert event["id"] == id
    assert minted(1_700_000_000_000) < minted(1_700_000_000_001)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 404, 302, 408])
def test_what_is_refused_for_now_is_sent_again_with_the_same_id_and_time(make, tokentra, soon, status):
    tokentra.fail(status, 2, {"Location": "http://127.0.0.1:9/"})
    id = call(make())

    assert [event["id"] for event in tokentra.wait(1)] == [id]
    assert len(tokentra.requests) == 3
    assert len({repr(events) for _, events in tokentra.requests}) == 1


def test_an_answer_that_is_lost_costs_nothing(make, tokentra, soon):
    """The server stored the events, and a proxy answered for it."""
    sdk = make()
    call(sdk)
    tokentra.wait(1)
    until(lambda: sdk.stats()["sent"] == 1)
    event = next(iter(tokentra.events.values()))
    sdk._sender.offer(event)

    until(lambda: tokentra.duplicates == 1)
    until(lambda: sdk.stats()["duplicates"] == 1)
    assert balance(sdk)


def test_the_server_says_how_long_to_wait(make, tokentra):
    tokentra.fail(503, headers={"Retry-After": "1"})
    began = time.monotonic()
    call(make())
    tokentra.wait(1)

    assert 1 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7), ("0", 0), ("-3", 0), ("99999", 300), ("nan", None), ("soon", None), ("", None), (None, None)],
)
def test_waits_are_read_from_numbers_and_bounded(header, expected):
    assert posting.told_wait(header) == expected


def test_waits_are_read_from_dates():
    assert 50 < posting.told_wait(formatdate(time.time() + 60, usegmt=True)) <= 60


def test_waits_double_up_to_five_minutes_and_differ():
    assert all(0.5 <= posting.backoff(1) <= 1 for _ in range(50))
    assert all(150 <= posting.backoff(40) <= 300 for _ in range(50))
    assert len({posting.backoff(3) for _ in range(20)}) > 1


def test_while_the_server_is_away_events_wait_on_disk_and_go_out_after_a_restart(make, tokentra, soon, tmp_path):
    sdk = make()
    tokentra.fail(503, 10_000)
    ids = {call(sdk) for _ in range(30)}
    until(lambda: sdk.stats()["on_disk"] == 30)
    assert balance(sdk)
    assert "503" in sdk.stats()["last_error"]
    sdk.close(0.1)
    tokentra.faults.clear()

    again = make()
    ids.add(call(again))

    assert {event["id"] for event in tokentra.wait(31)} == ids
    until(lambda: again.stats()["on_disk"] == 0)


def test_a_server_that_nobody_reaches_delays_nobody(make, tmp_path):
    sdk = make(url="http://127.0.0.1:9")
    began = time.perf_counter()
    for _ in range(1000):
        call(sdk)

    assert (time.perf_counter() - began) / 1000 < 0.001
    until(lambda: sdk.stats()["last_error"])
    assert "cannot be reached" in sdk.stats()["last_error"]
    sdk.close(0.2)
    assert sdk.stats()["on_disk"] == 1000
    assert sdk.stats()["lost"] == {}


def test_a_server_that_answers_slowly_delays_nobody(make, tokentra):
    tokentra.open.clear()
    sdk = make()
    call(sdk)
    time.sleep(0.1)
    began = time.perf_counter()
    for _ in range(100):
        call(sdk)
    took = time.perf_counter() - began
    tokentra.open.set()

    assert took < 0.1
    tokentra.wait(101)


def test_memory_is_bounded_and_what_finds_no_place_is_counted(make, tokentra, caplog):
    tokentra.open.clear()
    sdk = make(most_queued=100, spool_directory=False)
    with caplog.at_level(logging.WARNING, "tokentra_sdk"):
        for _ in range(500):
            call(sdk)

    lost = sdk.stats()["lost"]["queue_full"]
    assert 500 - 100 - 100 <= lost <= 400  # those that are just being sent are out of the queue
    assert balance(sdk)
    assert len([line for line in caplog.records if "lost" in line.message]) == 1
    tokentra.open.set()
    tokentra.wait(500 - lost)


def test_bytes_are_bounded_as_well(make, tokentra):
    tokentra.open.clear()
    sdk = make(most_bytes=20_000, spool_directory=False)
    for _ in range(500):
        call(sdk, feature="f" * 200)

    assert sdk._sender._bytes <= 20_000
    assert sdk.stats()["lost"]["queue_full"] > 300
    tokentra.open.set()


def test_a_full_queue_moves_to_disk_while_the_server_is_away(make, tokentra):
    tokentra.fail(503, 10_000, headers={"Retry-After": "30"})
    sdk = make(most_queued=1000)
    call(sdk)
    until(lambda: sdk.stats()["on_disk"] == 1)
    for _ in range(20):
        for _ in range(200):
            call(sdk)
        until(lambda: sdk.stats()["waiting"] <= 500)

    assert sdk.stats()["lost"] == {}
    assert sdk.stats()["on_disk"] >= 3500
    assert balance(sdk)


def test_a_full_disk_leaves_events_in_memory(make, tokentra, soon, monkeypatch):
    def full(self, path, mode="r"):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.rename", full)
    tokentra.fail(503, 3)
    sdk = make()
    id = call(sdk)

    assert [event["id"] for event in tokentra.wait(1)] == [id]
    assert sdk.stats()["lost"] == {}
    assert list(sdk.config.spool.iterdir()) == []


def test_a_full_disk_at_the_end_is_counted_and_said(make, tokentra, soon, monkeypatch, caplog):
    monkeypatch.setattr(sender.Spool, "put", lambda *_: False)
    tokentra.fail(503, 10_000)
    sdk = make()
    call(sdk)
    until(lambda: sdk.stats()["last_error"])
    sdk.close(0.1)

    assert sdk.stats()["lost"] == {"not_sent": 1}
    assert balance(sdk)


def test_the_disk_is_bounded_and_the_oldest_makes_room(make, tokentra, soon, tmp_path):
    tokentra.fail(503, 10_000, headers={"Retry-After": "0"})
    sdk = make(most_spooled=2000)
    for _ in range(60):
        call(sdk, feature=os.urandom(60).hex())
        sdk.flush(0.05)

    size = sum(path.stat().st_size for path in sdk.config.spool.iterdir())
    assert size <= 2000
    assert sdk.stats()["lost"]["spool_full"] > 0
    until(lambda: balance(sdk))


def test_a_file_that_is_broken_is_counted_by_its_name(make, tokentra):
    sdk = make()
    sdk.config.spool.mkdir(parents=True)
    (sdk.config.spool / "0190-25.events").write_bytes(b"no such thing")
    call(sdk)

    tokentra.wait(1)
    assert sdk.stats()["lost"] == {"spool_unreadable": 25}


def test_a_directory_that_others_may_write_to_is_not_used(make, tokentra, soon):
    sdk = make()
    sdk.config.spool.mkdir(parents=True)
    sdk.config.spool.chmod(0o777)
    tokentra.fail(503, 10_000)
    call(sdk)
    until(lambda: sdk.stats()["last_error"])

    assert sdk.stats()["on_disk"] == 0


def test_another_key_has_another_directory(tmp_path):
    first, second = (TokenTra(key, "http://127.0.0.1:9", spool_directory=tmp_path) for key in ("tt_a", "tt_b"))

    assert first.config.spool != second.config.spool
    assert "tt_a" not in str(first.config.spool)


def test_a_key_that_is_refused_is_tried_again_and_said_once(make, tokentra, soon, caplog):
    body = b'{"error": {"code": "key_revoked", "message": "This key was revoked."}}'
    tokentra.fail(401, 3, body=body)
    with caplog.at_level(logging.WARNING, "tokentra_sdk"):
        sdk = make()
        call(sdk)
        until(lambda: sdk.stats()["last_error"])
        assert sdk.stats()["last_error"] == "The server answered 401. This key was revoked."
        assert sdk.stats()["on_disk"] == 0
        tokentra.wait(1)

    assert len(caplog.records) == 1
    until(lambda: sdk.stats()["last_error"] == "")


def test_a_key_that_stays_refused_loses_events_at_the_end_and_says_so(make, tokentra):
    tokentra.fail(401, 10_000)
    sdk = make()
    call(sdk)
    until(lambda: sdk.stats()["last_error"])
    sdk.close(0.1)

    assert sdk.stats()["lost"] == {"blocked": 1}


def test_an_event_that_is_rejected_is_counted_and_the_others_are_kept(make, tokentra, caplog):
    tokentra.rejects.add("bad")
    sdk = make()
    with caplog.at_level(logging.WARNING, "tokentra_sdk"):
        for model in ("good", "bad", "good", "bad"):
            call(sdk, model=model)
        assert sdk.flush(5)

    assert len(tokentra.events) == 2
    assert sdk.stats()["lost"] == {"rejected": 2}
    assert "invalid_field: No. (model)" in caplog.text
    assert balance(sdk)


def test_a_request_that_is_refused_as_a_whole_is_halved_until_the_guilty_event_is_found(make, tokentra, monkeypatch):
    take = tokentra.take

    def refusing(headers, body):
        import gzip

        if b'"guilty"' in gzip.decompress(body):
            return 400, {}, b"{}"
        return take(headers, body)

    monkeypatch.setattr(tokentra, "take", refusing)
    sdk = make(every=0.2)
    for n in range(40):
        call(sdk, model="guilty" if n == 17 else "good")
    assert sdk.flush(5)

    assert len(tokentra.events) == 39
    assert sdk.stats()["lost"] == {"refused": 1}
    assert balance(sdk)


def test_what_is_no_tokentra_is_told_and_nothing_is_lost(make, tokentra, soon):
    tokentra.faults.append((200, {}, b"<html>Maintenance</html>"))
    sdk = make()
    call(sdk)

    tokentra.wait(1)
    until(lambda: sdk.stats()["sent"] == 1)


def test_a_redirect_is_never_followed(make, tokentra, soon):
    with taking() as elsewhere:
        tokentra.fail(307, headers={"Location": f"{elsewhere.url}/api/usage/track"})
        call(make())
        tokentra.wait(1)

        assert elsewhere.requests == []


@pytest.mark.parametrize("value", [float("nan"), object(), {1: {2}}, "\ud800"])
def test_what_cannot_be_written_is_counted_or_made_fit(make, tokentra, value):
    sdk = make()
    call(sdk, tag=value)
    call(sdk, latency_ms=value)
    call(sdk)
    assert sdk.flush(5)

    told = sdk.stats()
    assert told["sent"] + sum(told["lost"].values()) == 3
    assert told["sent"] >= 2


def test_an_object_that_cannot_be_a_text_harms_nobody(make, tokentra):
    class Odd:
        def __str__(self):
            raise RuntimeError("no")

    sdk = make()
    with attributes(customer_id=Odd()):
        call(sdk, tag=Odd())

    [event] = tokentra.wait(1)
    assert (event["customerId"], event["tags"]) == ("<Odd>", {"tag": "<Odd>"})
    assert sdk.stats()["lost"] == {}


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("", KEY, "TOKENTRA_URL"),
        ("ftp://example.com", KEY, "no address"),
        ("http://[::1", KEY, "no address"),
        ("https://example.com", "", "TOKENTRA_API_KEY"),
        ("https://example.com", "a\nb", "no key has"),
    ],
)
def test_without_an_address_or_a_key_nothing_happens_and_the_log_says_so_once(monkeypatch, caplog, url, key, said):
    for name in ("TOKENTRA_URL", "TOKENTRA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with caplog.at_level(logging.WARNING, "tokentra_sdk"):
        sdk = TokenTra(key, url)
        call(sdk)
        call(sdk)

    assert sdk.stats()["lost"] == {"not_configured": 2}
    assert len(caplog.records) == 1
    assert said in caplog.text
    assert sdk.flush(1) is False


def test_the_environment_is_read(monkeypatch, tokentra, tmp_path):
    monkeypatch.setenv("TOKENTRA_URL", f"{tokentra.url}/api/usage/track/")
    monkeypatch.setenv("TOKENTRA_API_KEY", f" {KEY}\n")
    monkeypatch.setenv("TOKENTRA_ENVIRONMENT", "staging")
    monkeypatch.setenv("TOKENTRA_SPOOL_DIR", str(tmp_path))
    sdk = TokenTra()
    call(sdk)
    assert sdk.flush(5)

    assert [event["environment"] for event in tokentra.wait(1)] == ["staging"]
    assert sdk.config.spool.parent == tmp_path


def test_disabled_is_disabled(monkeypatch, tokentra):
    monkeypatch.setenv("TOKENTRA_DISABLED", "1")
    sdk = TokenTra(KEY, tokentra.url)
    call(sdk)

    assert sdk.flush(1) is False
    assert tokentra.requests == []


def test_flush_does_not_wait_longer_than_it_is_told(make, tokentra):
    tokentra.open.clear()
    sdk = make()
    call(sdk)
    began = time.monotonic()

    assert sdk.flush(0.3) is False
    assert time.monotonic() - began < 1
    tokentra.open.set()


def test_flush_is_not_kept_waiting_by_a_server_that_is_away(make, tokentra, soon):
    tokentra.fail(503, 10_000)
    sdk = make()
    call(sdk)
    began = time.monotonic()

    assert sdk.flush(5) is False
    assert time.monotonic() - began < 2


def test_many_threads_lose_nothing(make, tokentra):
    sdk = make()
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: call(sdk), range(4000)))
    assert sdk.flush(10)

    assert {event["id"] for event in tokentra.wait(4000)} == ids
    assert balance(sdk)


def test_a_storm_of_faults_loses_nothing(make, tokentra, soon):
    """Every kind of refusal in between, and each event arrives once."""
    for n in range(60):
        tokentra.fail((429, 500, 503, 502, 404, 401)[n % 6])
    sdk = make(every=0.001)
    ids = {call(sdk) for _ in range(2000)}

    tokentra.wait(2000, 30)
    until(lambda: sdk.stats()["on_disk"] == sdk.stats()["waiting"] == 0)
    assert set(tokentra.events) == ids
    assert sdk.stats()["lost"] == {}
    assert sdk.stats()["sent"] == 2000
