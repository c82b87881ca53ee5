"""Calls of the real clients ask before they are made; whatever becomes of the question, the program knows where it is."""

import asyncio
import os
import pickle
import threading
import time
from datetime import datetime, timezone

import cohere
import openai
import pytest

from families import FAMILIES
from taking import allowed, refused, unreserved
from tokentra_sdk import (
    BudgetReached,
    CallRefused,
    CheckUnavailable,
    PromptTooLong,
    TokenTra,
    attributes,
    run,
)

KEY = "tt_test_generated"
QUESTION = [{"role": "user", "content": "The secret question"}]
TIMEOUT = 10.0


@pytest.fixture
def made(tokentra, tmp_path, sdk):
    """Makes an SDK that checks; those that it made are closed."""
    every = []

    def made(check=True, url=None, **more):
        spool = tmp_path / f"checking-{len(every)}"
        more = {"every": 0.02, "spool_directory": spool, "timeout": 5.0, "check_timeout": TIMEOUT, **more}
        every.append(TokenTra(KEY, tokentra.url if url is None else url, check=check, **more))
        return every[-1]

    yield made
    for each in every:
        each.close(2.0)


@pytest.fixture
def ask(made, models):
    """Asks by the client of one SDK."""
    clients = {}

    def ask(sdk, **more):
        if sdk not in clients:
            clients[sdk] = sdk.wrap(openai.OpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0))
        said = {"model": "gpt-4o-mini", "messages": QUESTION, "max_completion_tokens": 50, **more}
        return clients[sdk].chat.completions.create(**said)

    return ask


def events(sdk, tokentra):
    assert sdk.flush(10.0), sdk.stats()
    return sorted(tokentra.events.values(), key=lambda event: event["id"])


@pytest.mark.parametrize("name", FAMILIES)
def test_each_call_of_every_family_is_asked_about_under_the_id_of_its_event(made, models, tokentra, name):
    sdk, family = made(), FAMILIES[name]
    family.call(sdk.wrap(family.make(models.url)))

    came = events(sdk, tokentra)
    assert len(came) == len(family.told)
    assert [(each["id"], each["provider"]) for each in tokentra.questions] == [
        (each["id"], each["provider"]) for each in came
    ]
    assert name == "pinecone" or any(each["tokens"]["input"] for each in tokentra.questions)
    assert "secret" not in repr(tokentra.questions)
    assert sdk.stats()["checks"] == {"asked": len(came), "cached": 0, "refused": 0, "slowed": 0, "unchecked": 0}


def test_a_question_says_what_the_event_will_say_and_nothing_else(made, ask, tokentra):
    sdk = made(environment="production")
    with run("run-7"), attributes(customer_id="globex", feature="search", purpose="preview", colour="blue"):
        ask(sdk, service_tier="flex", n=2)

    [question] = tokentra.questions
    assert question == {
        "id": events(sdk, tokentra)[0]["id"],
        "provider": "openai",
        "model": "gpt-4o-mini",
        "customerId": "globex",
        "feature": "search",
        "environment": "production",
        "serviceTier": "flex",
        "tags": {"colour": "blue"},
        "tokens": {"input": 7, "output": 100},
    }


def test_nobody_is_asked_who_did_not_opt_in(sdk, ask, tokentra, made, monkeypatch):
    ask(sdk)
    monkeypatch.setenv("TOKENTRA_CHECK", "1")
    monkeypatch.setenv("TOKENTRA_DISABLED", "1")
    off = made(check=None)
    ask(off)

    assert tokentra.questions == []
    assert sdk.guard is off.guard is None
    assert "checks" not in sdk.stats()
    monkeypatch.delenv("TOKENTRA_DISABLED")
    ask(made(check=None))
    assert len(tokentra.questions) == 1


def test_an_answer_without_a_reservation_serves_calls_that_are_no_larger_for_as_long_as_it_says(made, ask, tokentra):
    sdk, longer = made(), [{"role": "user", "content": "The secret question " * 20}]
    tokentra.verdict = unreserved
    ask(sdk)
    ask(sdk)
    assert len(tokentra.questions) == 1
    ask(sdk, messages=longer)
    ask(sdk)
    assert len(tokentra.questions) == 2
    with attributes(customer_id="another"):
        ask(sdk)
    assert len(tokentra.questions) == 3
    assert sdk.stats()["checks"]["cached"] == 2


def test_an_answer_is_used_no_longer_than_it_says(made, ask, tokentra, monkeypatch):
    sdk, now = made(), time.monotonic()
    tokentra.verdict = unreserved
    ask(sdk)
    monkeypatch.setattr("tokentra_sdk.verdicts.time.monotonic", lambda: now + 4)
    ask(sdk)
    monkeypatch.setattr("tokentra_sdk.verdicts.time.monotonic", lambda: now + 6)
    ask(sdk)

    assert len(tokentra.questions) == 2


def test_a_refusal_says_which_budget_since_when_until_when_and_whom_to_ask(made, ask, tokentra, models):
    sdk = made()
    tokentra.verdict = refused
    with pytest.raises(BudgetReached, match="The budget “Globex” is used up") as caught:
        ask(sdk)
    with pytest.raises(BudgetReached):
        ask(sdk)

    refusal = pickle.loads(pickle.dumps(caught.value))
    assert (refusal.budget, refusal.value, refusal.ask, refusal.ask_url) == (
        "Globex", "", "Alice", "https://t.example/ask",
    )  # fmt: skip
    assert refusal.since == datetime(2026, 11, 20, 11, tzinfo=timezone.utc)
    assert refusal.until == datetime(2026, 12, 1, tzinfo=timezone.utc)
    assert isinstance(refusal, CallRefused)
    assert models.asked == []
    assert events(sdk, tokentra) == []
    assert sdk.stats()["checks"] == {"asked": 1, "cached": 1, "refused": 2, "slowed": 0, "unchecked": 0}


def test_a_refusal_does_not_hold_for_a_smaller_call(made, ask, tokentra):
    sdk = made()
    tokentra.verdict = lambda question: refused(question) if question["tokens"]["output"] > 50 else allowed(question)
    with pytest.raises(BudgetReached):
        ask(sdk, max_completion_tokens=100)

    ask(sdk)
    with pytest.raises(BudgetReached):
        ask(sdk, max_completion_tokens=101)
    assert len(tokentra.questions) == 2


def test_a_prompt_that_is_too_long_has_an_error_of_its_own(made, ask, tokentra):
    tokentra.verdict = lambda question: refused(question, code="prompt_too_long", message="Shorten it.", budgets=[])

    with pytest.raises(PromptTooLong, match=r"Shorten it\."):
        ask(made())


def test_streams_and_asynchronous_calls_are_refused_before_they_are_made(made, ask, models, tokentra):
    sdk = made()
    tokentra.verdict = refused

    async def tried():
        async with openai.AsyncOpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0) as one:
            for stream in (False, True):
                with pytest.raises(BudgetReached):
                    await sdk.wrap(one).chat.completions.create(model="gpt-4o", messages=QUESTION, stream=stream)
        other = sdk.wrap(cohere.AsyncClientV2(api_key="none", base_url=models.url))
        with pytest.raises(BudgetReached):
            async for _ in other.chat_stream(model="command-a-03-2025", messages=QUESTION):
                pass

    asyncio.run(tried())
    with pytest.raises(BudgetReached):
        ask(sdk, stream=True)
    assert models.asked == []
    assert events(sdk, tokentra) == []


def test_a_budget_that_slows_is_waited_for_by_threads_and_tasks_and_no_longer_than_chosen(made, ask, models, tokentra):
    sdk = made(most_delay=1.5)
    tokentra.verdict = lambda question: allowed(question, delayMs=30_000)
    at = time.monotonic()
    ask(sdk)
    assert 1.5 <= time.monotonic() - at < 10

    async def two():
        async with openai.AsyncOpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0) as one:
            said = {"model": "gpt-4o", "messages": QUESTION}
            create = sdk.wrap(one).chat.completions.create
            at = time.monotonic()
            await asyncio.gather(create(**said), create(**said))
            return time.monotonic() - at

    assert 1.5 <= asyncio.run(two()) < 10
    assert all(event["latencyMs"] < 1_500 for event in events(sdk, tokentra)[:1])
    assert sdk.stats()["checks"]["slowed"] == 3


# What may go wrong


def hangs(tokentra):
    tokentra.hears.clear()


def answers(status, body=None):
    def answers(tokentra):
        tokentra.verdict = lambda _: (status, {"error": {"message": "No."}} if body is None else body)

    return answers


FAULTS = {
    "hangs": hangs,
    "fails": answers(500),
    "is busy": answers(503),
    "has enough": answers(429),
    "does not know the key": answers(401),
    "does not let it": answers(403),
    "is too old to be asked": answers(404, {}),
    "sends elsewhere": answers(302, {}),
    "is a proxy": answers(200, {"hello": "world"}),
    "wants to be paid": answers(402, {}),
    "says nonsense": answers(200, {"verdict": 7, "delayMs": "x", "ttlSeconds": None}),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("check", ["open", "closed"])
def test_without_an_answer_a_call_is_made_or_not_as_chosen_and_the_next_does_not_wait(
    made, ask, models, tokentra, monkeypatch, fault, check
):
    FAULTS[fault](tokentra)
    sdk = made(check, check_timeout=0.5 if fault == "hangs" else TIMEOUT)
    monkeypatch.setattr("tokentra_sdk.verdicts.FIRST_REST", 60)  # three calls of a busy machine take a second too
    for _ in range(3):
        if check == "open":
            assert ask(sdk).choices
        else:
            with pytest.raises(CheckUnavailable, match="could not be asked"):
                ask(sdk)

    assert len(tokentra.questions) == 1
    made_calls = 3 if check == "open" else 0
    assert len(models.asked) == made_calls
    assert sdk.stats()["checks"] == {
        "asked": 1, "cached": 0, "refused": 3 - made_calls, "slowed": 0, "unchecked": 3,
    }  # fmt: skip
    tokentra.hears.set()
    assert len(events(sdk, tokentra)) == made_calls


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nobody.invalid", "https://127.0.0.1:9", ""])
def test_where_nobody_is_calls_are_made(made, ask, url, monkeypatch):
    sdk = made(url=url, spool_directory=False, check_timeout=2.0)

    for _ in range(3):
        assert ask(sdk).choices
    assert sdk.stats()["checks"]["unchecked"] == 3
    assert sdk.stats()["checks"]["asked"] == (1 if url else 0)


def test_a_server_that_answers_a_byte_at_a_time_holds_nobody_longer_than_chosen(made, ask, models):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        is_over = threading.Event()

        def drip():
            with server.accept()[0] as one:
                while not is_over.wait(0.05):
                    try:
                        one.sendall(b"H")
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        sdk = made(url=f"http://127.0.0.1:{server.getsockname()[1]}", check_timeout=0.2, spool_directory=False)
        at = time.monotonic()
        assert ask(sdk).choices
        assert time.monotonic() - at < 15
        is_over.set()


def test_what_the_server_cannot_read_of_one_call_is_no_reason_not_to_ask_about_the_next(made, ask, tokentra):
    sdk = made()
    tokentra.verdict = lambda question: (422, {}) if question["model"] == "odd" else allowed(question)
    ask(sdk, model="odd")
    ask(sdk)

    assert len(tokentra.questions) == 2
    assert sdk.stats()["checks"]["unchecked"] == 1


@pytest.mark.parametrize("check", ["open", "closed"])
def test_a_server_that_is_back_is_asked_again(made, ask, tokentra, monkeypatch, check):
    sdk, now = made(check), time.monotonic()
    tokentra.verdict = lambda _: (500, {})
    with pytest.raises(CheckUnavailable) if check == "closed" else attributes():
        ask(sdk)
    tokentra.verdict = allowed
    monkeypatch.setattr("tokentra_sdk.verdicts.time.monotonic", lambda: now + 10)
    ask(sdk)  # without waiting, where calls are made all the same
    with tokentra.changed:
        assert tokentra.changed.wait_for(lambda: len(tokentra.questions) == 2, 5)
    until = time.monotonic() + 5
    while not sdk.guard._breaker.is_closed and time.monotonic() < until:
        threading.Event().wait(0.005)
    ask(sdk)

    assert len(tokentra.questions) == 3
    assert sdk.stats()["checks"]["unchecked"] == (1 if check == "closed" else 2)


def test_while_a_server_is_away_it_is_tried_by_one_call_and_ever_more_seldom(monkeypatch):
    from tokentra_sdk import verdicts

    now = [100.0]
    monkeypatch.setattr(verdicts.time, "monotonic", lambda: now[0])
    breaker = verdicts.Breaker()
    rests = []
    for _ in range(8):
        assert breaker.may_ask()
        breaker.failed(None)
        assert not breaker.may_ask()
        at = now[0]
        while True:
            now[0] += 0.5
            if breaker.may_ask():
                break
        assert not breaker.may_ask()  # one looks, all others go on
        rests.append(now[0] - at)
        breaker._is_probing = False

    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_connection_that_the_server_closed_meanwhile_costs_no_verdict(made, ask, tokentra):
    sdk = made()
    ask(sdk)
    for connection in connections(sdk):
        connection.sock.shutdown(2)
    ask(sdk)

    assert sdk.stats()["checks"] == {"asked": 2, "cached": 0, "refused": 0, "slowed": 0, "unchecked": 0}


def connections(sdk):
    import gc
    from http.client import HTTPConnection

    mine = [each for each in gc.get_objects() if isinstance(each, HTTPConnection) and each.sock is not None]
    found = [each for each in mine if f"{each.host}:{each.port}" in sdk.config.url]
    assert found
    return found


def test_what_an_estimate_of_the_program_says_is_asked_with(made, ask, tokentra):
    ask(made(estimate=lambda provider, model, request: "0.25"))
    ask(made(estimate=lambda provider, model, request: {"input": len(request["messages"])}))
    broken = made(estimate=lambda *_: 1 / 0)
    assert ask(broken).choices

    assert [(each.get("estimatedCost"), each.get("tokens")) for each in tokentra.questions] == [
        ("0.25", None),
        (None, {"input": 1}),
    ]
    assert broken.stats()["checks"]["unchecked"] == 1


def test_threads_ask_for_whom_they_work_and_each_under_its_own_id(made, ask, tokentra):
    sdk = made()

    def work(number):
        with attributes(customer_id=f"customer-{number}"):
            ask(sdk)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    came = {event["id"]: event["customerId"] for event in events(sdk, tokentra)}
    assert {each["id"]: each["customerId"] for each in tokentra.questions} == came
    assert len(set(came.values())) == 20


def test_a_task_that_is_cancelled_while_it_waits_has_made_no_call(made, models, tokentra):
    sdk = made()
    tokentra.hears.clear()

    async def cancelled():
        async with openai.AsyncOpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0) as one:
            asking = asyncio.create_task(sdk.wrap(one).chat.completions.create(model="gpt-4o", messages=QUESTION))
            while not tokentra.questions:
                await asyncio.sleep(0.005)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(cancelled())
    tokentra.hears.set()
    assert models.asked == []
    assert events(sdk, tokentra) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_process_asks_for_itself(made, ask, tokentra):
    sdk = made()
    ask(sdk)
    with sdk.guard._lock:  # as another thread may hold it when a process forks
        child = os.fork()
        if not child:
            status = 1
            try:
                ask(sdk)
                status = 0 if sdk.stats()["checks"]["asked"] == 1 else 2
            finally:
                os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(tokentra.questions) == 2


def test_each_silence_is_said_once(made, ask, tokentra, caplog):
    tokentra.verdict = lambda _: (500, {})
    sdk = made()
    for _ in range(3):
        ask(sdk)

    said = [record.getMessage() for record in caplog.records if "unchecked" in record.getMessage()]
    assert said == ["TokenTra: calls are made unchecked. The check answered 500. Further ones are counted in stats()."]
    assert KEY not in caplog.text


def test_a_client_follows_the_one_that_observes_now(made, ask, tokentra):
    first, second = made(), made(check=False)
    ask(first)
    first.follow(second)
    ask(first)

    assert len(tokentra.questions) == 1
