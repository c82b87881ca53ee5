"""The way out keeps its limits: where it goes, how long, how much, how often."""

import gzip
import ssl
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import httpx2
import pytest

from tests.fake_provider import KEYS, FakeProvider, example_world
from tokentra.lib import breaker, http, waiting

HOST = "https://api.provider.example"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = "sk-admin-canary-0123456789abcdef"
HEADERS = {"authorization": f"Bearer {SECRET}"}


@pytest.fixture(autouse=True)
def _closed_breakers():
    breaker.close_breakers()
    yield
    breaker.close_breakers()


class Clock:
    """Time passes only by sleeping, or when a reply says that it took long."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Replies:
    """Answers in turn, the last one again and again; an exception is raised."""

    def __init__(self, *replies) -> None:
        self.replies = list(replies)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        status, body, *headers = reply
        return httpx2.Response(status, content=body, headers=headers[0] if headers else {})


def get(replies: Callable[[httpx2.Request], httpx2.Response], *, clock: Clock | None = None, **more):
    clock = clock or Clock()
    transport = httpx2.MockTransport(replies)
    with http.client(HOST, provider="someone", clock=clock, sleep=clock.sleep, transport=transport, **more) as client:
        return client.get("/v1/costs", [("a", "1"), ("a", "2")], headers=HEADERS)


def test_fractions_are_decimals_in_every_digit():
    answer = get(Replies((200, b'{"a": 0.10, "b": 4e-07, "c": 12345678901234567890.123456789012345678, "d": 7}')))

    assert answer.body == {
        "a": Decimal("0.10"),
        "b": Decimal("4e-07"),
        "c": Decimal("12345678901234567890.123456789012345678"),
        "d": 7,
    }


def test_nan_arrives_as_a_decimal_that_readers_refuse():
    assert not get(Replies((200, b'{"a": NaN}'))).body["a"].is_finite()


def test_it_says_who_it_is_and_sends_the_query_as_asked(settings):
    settings.SITE_URL = "https://tokentra.example"
    replies = Replies((200, b"{}"))

    get(replies)

    request = replies.requests[0]
    assert str(request.url) == f"{HOST}/v1/costs?a=1&a=2"
    assert request.headers["user-agent"] == f"TokenTra/{settings.VERSION} (+https://tokentra.example)"
    assert request.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422])
def test_a_refusal_is_an_answer(status: int):
    replies = Replies((status, b'{"error": {"message": "no"}}'))

    assert get(replies).status == status
    assert len(replies.requests) == 1


def test_a_refusal_that_is_not_json_keeps_a_masked_sample():
    answer = get(Replies((403, f"<h1>blocked {SECRET}</h1>".encode())))

    assert answer.body is None
    assert answer.sample == "<h1>blocked [masked]</h1>"


FAULTS = {
    "500": (500, b"{}"),
    "502 in HTML": (502, b"<html>"),
    "529": (529, b'{"type": "error"}'),
    "reset": httpx2.ReadError("reset"),
    "closed": httpx2.RemoteProtocolError("closed"),
    "timeout": httpx2.ReadTimeout("slow"),
    "connect timeout": httpx2.ConnectTimeout("slow"),
    "refused": httpx2.ConnectError("refused"),
    "TLS": httpx2.ConnectError(str(ssl.SSLCertVerificationError("bad certificate"))),
    "HTML with 200": (200, b"<html>login</html>"),
    "truncated": (200, b'{"data": [{"sta'),
    "damaged": (200, b"not gzip", {"content-encoding": "gzip"}),
    "deeply nested": (200, b"[" * 100_000),
    "endless number": (200, b'{"a": ' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_are_tried_five_times_and_then_called_unavailable(fault):
    replies, clock = Replies(fault), Clock()

    with pytest.raises(http.Unavailable):
        get(replies, clock=clock)

    assert len(replies.requests) == 5
    assert len(clock.slept) == 4
    assert all(0.25 <= pause <= 4 for pause in clock.slept)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_that_passes_is_not_noticed(fault):
    assert get(Replies(fault, fault, (200, b'{"fine": 1}'))).body == {"fine": 1}


def test_pauses_grow_and_differ():
    first, second = Clock(), Clock()
    for clock in (first, second):
        with pytest.raises(http.Unavailable):
            get(Replies((500, b"")), clock=clock)

    assert first.slept == sorted(first.slept)
    assert first.slept != second.slept


def test_no_try_begins_after_the_deadline():
    replies, clock = Replies((500, b"")), Clock()

    with pytest.raises(http.Unavailable):
        get(replies, clock=clock, deadline=clock.now + 1)

    assert clock.now <= 1001
    assert 1 <= len(replies.requests) < 5


def test_a_call_after_the_deadline_is_not_made_and_blames_nobody():
    replies, clock = Replies((200, b"{}")), Clock()

    for _ in range(10):
        with pytest.raises(http.OutOfTime):
            get(replies, clock=clock, deadline=clock.now)

    assert replies.requests == []
    assert get(replies, clock=clock).status == 200


def test_a_whole_call_takes_sixty_seconds_at_most():
    clock = Clock()

    def slow(request: httpx2.Request) -> httpx2.Response:
        clock.now += 19
        raise httpx2.ReadTimeout("slow")

    with pytest.raises(http.Unavailable):
        get(slow, clock=clock)

    assert clock.now < 1000 + 60 + 20


def test_a_body_that_takes_too_long_is_given_up():
    clock = Clock()

    def drip():
        while True:
            clock.now += 7
            yield b" "

    with pytest.raises(http.Unavailable, match="too long"):
        get(lambda request: httpx2.Response(200, content=drip()), clock=clock)
    assert clock.now < 1000 + 70


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_b45_a_redirect_is_an_error_and_is_never_followed(status: int):
    replies = Replies((status, b"", {"location": "http://169.254.169.254/latest"}), (200, b"{}"))

    with pytest.raises(http.Redirected):
        get(replies)

    assert len(replies.requests) == 1


def test_b25_an_answer_over_the_limit_is_refused_by_its_declared_length_without_reading():
    read = []

    def huge():
        read.append(1)
        yield b""

    too_long = {"content-length": str(http.MAX_BYTES + 1)}
    with pytest.raises(http.TooLarge):
        get(lambda request: httpx2.Response(200, content=huge(), headers=too_long))
    assert read == []


def test_b25_gzip_bomb_is_refused_while_it_inflates():
    inflated = []
    bomb = gzip.compress(b" " * (http.MAX_BYTES + 2**20))

    def pieces():
        for start in range(0, len(bomb), 1024):
            inflated.append(start)
            yield bomb[start : start + 1024]

    reply = lambda request: httpx2.Response(200, content=pieces(), headers={"content-encoding": "gzip"})  # noqa: E731
    with pytest.raises(http.TooLarge, match="32 MiB"):
        get(reply, deadline=1000.1)


def test_compressed_answers_are_read():
    packed = gzip.compress(b'{"a": 1}')

    assert get(Replies((200, packed, {"content-encoding": "gzip"}))).body == {"a": 1}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
        ({"retry-after-ms": "1500", "retry-after": "9"}, timedelta(seconds=1.5)),
        ({"retry-after": format_datetime(NOW + timedelta(minutes=3), usegmt=True)}, timedelta(minutes=3)),
        ({"retry-after": format_datetime(NOW - timedelta(minutes=3), usegmt=True)}, timedelta(0)),
        ({"anthropic-ratelimit-requests-reset": "2026-11-20T12:00:42Z"}, timedelta(seconds=42)),
        ({"retry-after": "31536000"}, timedelta(hours=1)),
        ({"retry-after": "-5"}, timedelta(0)),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_understood_in_every_spelling(headers, wait):
    assert waiting.retry_after(headers, now=NOW) == wait


def test_too_many_requests_is_not_waited_for():
    replies, clock = Replies((429, b"{}", {"retry-after": "30"}), (200, b"{}")), Clock()

    with pytest.raises(http.SlowDown) as slow:
        get(replies, clock=clock)

    assert slow.value.retry_after == timedelta(seconds=30)
    assert clock.slept == []
    assert len(replies.requests) == 1


@pytest.mark.parametrize(
    ("patience", "longest"), [(http.OF_A_TASK, 4), (http.WHILE_A_PERSON_WAITS, 0.5)], ids=["a task", "a person"]
)
def test_decision_18_nobody_sleeps_because_a_server_asks_for_it(patience, longest):
    clock, replies = Clock(), Replies((503, b"", {"retry-after": "9"}), (200, b"{}"))

    with pytest.raises(http.Unavailable, match="503") as busy:
        get(replies, clock=clock, patience=patience)

    assert busy.value.retry_after == timedelta(seconds=9)
    assert clock.slept == []
    assert len(replies.requests) == 1
    get(Replies((503, b"", {"retry-after": "0.4"}), (200, b"{}")), clock=clock, patience=patience)
    assert len(clock.slept) == 1
    assert clock.slept[0] <= longest


def test_while_a_person_waits_two_tries_are_all():
    clock, replies = Clock(), Replies((500, b""))

    with pytest.raises(http.Unavailable):
        get(replies, clock=clock, patience=http.WHILE_A_PERSON_WAITS)

    assert len(replies.requests) == 2
    assert sum(clock.slept) <= 0.5


def test_all_calls_together_keep_a_person_waiting_ten_seconds_at_most():
    clock = Clock()

    def taking_two_seconds(request: httpx2.Request) -> httpx2.Response:
        clock.now += 2
        return httpx2.Response(200, json={})

    transport = httpx2.MockTransport(taking_two_seconds)
    more = {"clock": clock, "sleep": clock.sleep, "transport": transport, "patience": http.WHILE_A_PERSON_WAITS}

    with http.client(HOST, provider="someone", **more) as client:
        for _ in range(4):
            client.get("/v1/costs", headers=HEADERS)
        with pytest.raises(http.OutOfTime):
            client.get("/v1/costs", headers=HEADERS)

    assert clock.now == 1010


def test_an_answer_that_is_too_large_is_not_asked_for_again():
    replies = Replies((200, b"{}", {"content-length": str(http.MAX_BYTES + 1)}))

    with pytest.raises(http.TooLarge):
        get(replies)

    assert len(replies.requests) == 1


@pytest.mark.parametrize(("seconds", "blamed"), [(9, 0), (11, 1)])
def test_a_deadline_that_left_enough_time_blames_the_provider(seconds, blamed):
    clock = Clock()

    def silent(request: httpx2.Request) -> httpx2.Response:
        clock.now += seconds
        raise httpx2.ReadTimeout("slow")

    with pytest.raises(http.OutOfTime):
        get(silent, clock=clock, deadline=clock.now + seconds)

    assert breaker.breaker_of(f"someone {HOST}").failures == blamed


def test_c3_4_a_date_to_wait_for_is_by_the_servers_own_clock():
    a_day_off = NOW - timedelta(days=1)
    said = {"retry-after": format_datetime(a_day_off + timedelta(minutes=3), usegmt=True)}

    assert waiting.retry_after(said | {"date": format_datetime(a_day_off, usegmt=True)}) == timedelta(minutes=3)


def test_the_breaker_opens_after_five_failed_calls_and_tries_again_later():
    clock, down, up = Clock(), Replies((500, b"")), Replies((200, b"{}"))
    key = breaker.breaker_of(f"someone {HOST}")
    key.clock = clock
    for _ in range(5):
        with pytest.raises(http.Unavailable):
            get(down, clock=clock)

    with pytest.raises(http.Unavailable, match="left alone"):
        get(up, clock=clock)
    assert up.requests == []

    clock.now += breaker.COOLING
    assert get(up, clock=clock).status == 200
    assert get(up, clock=clock).status == 200


def test_a_failed_trial_closes_the_way_again():
    clock, down = Clock(), Replies((500, b""))
    breaker.breaker_of(f"someone {HOST}").clock = clock
    for _ in range(5):
        with pytest.raises(http.Unavailable):
            get(down, clock=clock)
    clock.now += breaker.COOLING
    with pytest.raises(http.Unavailable):
        get(down, clock=clock)
    calls = len(down.requests)

    with pytest.raises(http.Unavailable, match="left alone"):
        get(down, clock=clock)

    assert len(down.requests) == calls


def test_refusals_and_rate_limits_are_signs_of_life():
    for status, end in ((401, nullcontext()), (429, pytest.raises(http.SlowDown))):
        for _ in range(10):
            with end:
                get(Replies((status, b"{}")))

    assert breaker.breaker_of(f"someone {HOST}").failures == 0


@pytest.mark.parametrize(
    "host", ["http://api.provider.example", "ftp://x", "https://user:pw@host", "https://", "file:///x"]
)
def test_b44_only_https_leads_out(host: str):
    with pytest.raises(ValueError, match="address"), http.client(host, provider="someone"):
        pass


@pytest.mark.parametrize("path", ["https://elsewhere.example/v1", "//elsewhere.example", "v1"])
def test_b44_a_path_cannot_change_the_host(path: str):
    transport = httpx2.MockTransport(Replies((200, b"{}")))
    with (
        http.client(HOST, provider="someone", transport=transport) as client,
        pytest.raises(ValueError, match="path"),
    ):
        client.get(path, headers={})


@pytest.mark.parametrize(
    "own", ["http://127.0.0.1:9/", "http://127.0.0.1:9/v1", "http://127.0.0.1:9", "http://127.0.0.1:9/v1/"]
)
def test_the_operators_address_replaces_the_host_and_may_be_plain(settings, own: str):
    settings.PROVIDER_BASE_URLS = {"someone": own}
    replies = Replies((200, b"{}"))

    get(replies)

    assert str(replies.requests[0].url).startswith("http://127.0.0.1:9/v1/costs?")


def test_e14_failures_carry_no_request_and_no_key(caplog):
    caplog.set_level("DEBUG")
    for reply in (httpx2.ReadError("x"), (500, SECRET.encode()), (429, f"slow, {SECRET}".encode())):
        with pytest.raises(http.CallFailed) as failure:
            get(Replies(reply), deadline=1000.1)

        assert failure.value.__context__ is None
        assert failure.value.__cause__ is None
        assert SECRET not in f"{failure.value!r} {failure.value.sample}"
    assert "canary" not in caplog.text


@pytest.fixture
def fake(settings):
    with FakeProvider(example_world(int(NOW.timestamp()))) as fake:
        settings.PROVIDER_BASE_URLS = {"openai": fake.url}
        yield fake


WIRE_FAULTS = {
    "reset": {"action": "reset"},
    "reset in the middle": {"action": "reset", "after_bytes": 200},
    "truncated": {"action": "truncated"},
    "wrong length": {"action": "wrong_length"},
    "HTML": {"action": "html"},
    "drip": {"action": "drip", "bytes": 1, "every": 0.05},
    "hang": {"action": "hang", "seconds": 30},
    "huge": {"action": "huge", "mebibytes": 40, "declared": False},
    "bomb": {"action": "gzip_bomb", "mebibytes": 40},
}


@pytest.mark.parametrize("fault", WIRE_FAULTS.values(), ids=WIRE_FAULTS)
def test_c3_4_what_goes_wrong_on_the_wire_ends_in_time(fake: FakeProvider, fault):
    fake.script([{"match": {}, "do": fault}])
    began = time.monotonic()

    with (
        pytest.raises(http.Unavailable),
        http.client(HOST, provider="openai", deadline=began + 1.0, sleep=lambda seconds: None) as client,
    ):
        client.get("/v1/organization/projects", headers={"authorization": f"Bearer {KEYS['openai']}"})

    assert time.monotonic() - began < 15


def test_c3_4_a_header_that_drips_is_cut_off_too(settings):
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
        while not stop.wait(0.05):
            try:
                connection.sendall(b"a")
            except OSError:
                break
        connection.close()

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    settings.PROVIDER_BASE_URLS = {"someone": f"http://127.0.0.1:{listener.getsockname()[1]}"}
    began = time.monotonic()

    with (
        pytest.raises(http.Unavailable, match="in time"),
        http.client(HOST, provider="someone", deadline=began + 0.5) as client,
    ):
        client.get("/", headers={})

    stop.set()
    thread.join()
    listener.close()
    assert time.monotonic() - began < 15
