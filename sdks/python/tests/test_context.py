"""Whose calls they are, in threads, tasks and requests that run at the same time."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tokentra_sdk import agent, attributes, context, run, set_customer_id, set_user_id, tool
from tokentra_sdk.context import current


@pytest.fixture(autouse=True)
def _nothing_set():
    with context.request_scope():
        yield


def said():
    return dict(current().fields)


def test_a_customer_holds_until_another_is_set():
    assert said() == {}
    set_customer_id("globex")
    set_user_id(7)

    assert said() == {"customerId": "globex", "userId": "7"}
    set_customer_id("initech")
    assert said()["customerId"] == "initech"
    set_customer_id(None)
    assert "customerId" not in said()


def test_attributes_hold_inside_and_end_with_the_block():
    with attributes(feature="search", team="core", colour="blue"):
        with attributes(feature="rerank", customer_id="globex"):
            assert said() == {"feature": "rerank", "team": "core", "customerId": "globex"}
            assert current().tags == {"colour": "blue"}
        assert said() == {"feature": "search", "team": "core"}

    assert said() == {}
    assert current().tags == {}


def test_attributes_end_with_an_exception_as_well():
    with pytest.raises(KeyError), attributes(feature="search"):
        raise KeyError

    assert said() == {}


def test_a_run_has_one_id_and_agents_and_tools_stand_in_it():
    with run(purpose="preview") as first, agent("planner"):
        assert said() == {"runId": first.id, "purpose": "preview", "agent": "planner"}
        with tool("browser"):
            assert (said()["tool"], said()["runId"]) == ("browser", first.id)
    with run("nightly") as named:
        assert said()["runId"] == named.id == "nightly"

    assert len(first.id) == 36


def test_what_a_tool_calls_stands_below_the_call_that_was_made_before_it():
    with run():
        current().calls.latest = "call-1"
        with tool("browser"):
            assert said()["parentId"] == "call-1"
            current().calls.latest = "call-2"
            with tool("reader"):
                assert said()["parentId"] == "call-2"
        assert "parentId" not in said()
    with tool("browser"):
        assert "parentId" not in said()


def test_functions_of_every_kind_can_be_scopes():
    @attributes(feature="plain")
    def plain():
        return said()["feature"]

    @attributes(feature="steps")
    def steps():
        sent = yield said()["feature"]
        yield (sent, said()["feature"])

    @attributes(feature="later")
    async def later():
        await asyncio.sleep(0)
        return said()["feature"]

    @attributes(feature="later steps")
    async def later_steps():
        for _ in range(2):
            await asyncio.sleep(0)
            yield said()["feature"]

    async def all_later():
        found = [each async for each in later_steps()]
        between = [said() async for _ in later_steps()]
        return await later(), found, between

    assert plain() == "plain"
    stepping = steps()
    assert next(stepping) == "steps"
    assert said() == {}
    assert stepping.send("a") == ("a", "steps")
    assert asyncio.run(all_later()) == ("later", ["later steps"] * 2, [{}, {}])
    assert said() == {}


def test_each_call_of_a_function_is_a_run_of_its_own():
    @run()
    def once():
        return said()["runId"]

    assert once() != once()


def test_one_decorator_serves_many_tasks_at_once():
    @attributes(feature="search")
    async def search(customer):
        set_customer_id(customer)
        await asyncio.sleep(0.001)
        return said()

    async def everything():
        return await asyncio.gather(*(search(n) for n in range(200)))

    found = asyncio.run(everything())
    assert [each["customerId"] for each in found] == [str(n) for n in range(200)]
    assert {each["feature"] for each in found} == {"search"}


def test_threads_share_nothing():
    gate = threading.Barrier(8)

    def work(number):
        before = said()
        set_customer_id(number)
        gate.wait()
        return before, said()["customerId"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))

    assert sorted(customer for _, customer in found) == sorted(str(n) for n in range(8))
    assert all(before == {} for before, _ in found)


def test_tasks_share_nothing_and_begin_with_what_their_maker_had():
    async def work(number):
        await asyncio.sleep(0)
        before = said()["customerId"]
        set_customer_id(number)
        await asyncio.sleep(0.001)
        return before, said()["customerId"]

    async def everything():
        set_customer_id("maker")
        found = await asyncio.gather(*(work(n) for n in range(100)))
        return found, said()["customerId"]

    found, after = asyncio.run(everything())
    assert found == [("maker", str(n)) for n in range(100)]
    assert after == "maker"


def test_a_request_begins_with_nothing_and_leaves_nothing():
    set_customer_id("before")
    with context.request_scope():
        assert said() == {}
        set_customer_id("inside")

    assert said() == {"customerId": "before"}


def test_what_one_thread_of_a_request_sets_another_one_sees():
    async def request():
        with context.request_scope():
            await asyncio.to_thread(set_customer_id, "globex")
            return said(), await asyncio.to_thread(said)

    assert asyncio.run(request()) == ({"customerId": "globex"}, {"customerId": "globex"})


def test_long_and_broken_texts_are_made_fit():
    with attributes(customer_id="x" * 300, feature="a\0b\ud800", **{"n" * 80: True}):
        assert said() == {"customerId": "x" * 255 + "…", "feature": "ab?"}
        assert current().tags == {"n" * 63 + "…": "true"}


def test_twenty_tags_are_kept():
    with attributes(**{f"tag{n}": n for n in range(30)}):
        assert len(current().tags) == 20
