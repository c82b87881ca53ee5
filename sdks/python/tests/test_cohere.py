"""Calls of Cohere's real clients, to a server on this machine that answers as both versions of its API do."""

import asyncio

import cohere
import pytest

import shapes
import shapes_others as others
from tokentra_sdk import attributes

QUESTION = [{"role": "user", "content": "The secret question"}]
ASKED = {"model": "command-a-03-2025", "messages": QUESTION}
EMBEDDED = {"model": "embed-v4.0", "input_type": "search_query", "embedding_types": ["float"]}


@pytest.fixture(scope="module")
def made(_models):
    return cohere.ClientV2(api_key="none", base_url=_models.url)


@pytest.fixture
def client(sdk, made, models):
    return sdk.wrap(made)


def test_chats_streams_embeddings_and_reranking_are_told_by_what_is_billed(client, sent):
    answer = client.chat(**ASKED)
    kinds = [event.type for event in client.chat_stream(**ASKED)]
    client.embed(**EMBEDDED, texts=["The secret question"])
    client.rerank(model="rerank-v3.5", query="The secret question", documents=["The secret"])

    events = sent()
    assert answer.message.content[0].text == shapes.SECRET
    assert kinds == ["message-start", "content-delta", "message-end"]
    assert [(event.get("tokens"), event.get("units")) for event in events] == [
        (others.PLAIN, None),
        (others.PLAIN, None),
        ({"input": 8, "output": 0}, None),
        (None, {"search": 2}),
    ]
    assert [(event["operation"], event["streaming"], event["requestId"]) for event in events] == [
        ("chat", False, "c1"),
        ("chat", True, "c1"),
        ("embeddings", False, "e1"),
        ("rerank", False, "r1"),
    ]
    assert {event["provider"] for event in events} == {"cohere"}
    assert "secret" not in repr(events)


def test_raw_answers_are_told_and_stay_raw(client, one):
    raw = client.with_raw_response.chat(**ASKED)

    assert raw.data.message.content[0].text == shapes.SECRET
    assert one()["tokens"] == others.PLAIN


def test_asynchronous_calls_are_told_alike(sdk, models, sent):
    async def calls():
        client = sdk.wrap(cohere.AsyncClientV2(api_key="none", base_url=models.url))
        await client.chat(**ASKED)
        async for _ in client.chat_stream(**ASKED):
            pass
        async for event in client.chat_stream(**ASKED):
            del event
            break
        await client.embed(**EMBEDDED, texts=["The secret question"])

    asyncio.run(calls())

    assert [event["status"] for event in sent()] == ["ok", "ok", "cancelled", "ok"]
    assert [event["tokens"] for event in sent()] == [others.PLAIN, others.PLAIN, {}, {"input": 8, "output": 0}]


@pytest.mark.filterwarnings("ignore")
def test_version_1_is_told_and_its_many_embeddings_are_one_call(sdk, models, sent):
    client = sdk.wrap(cohere.Client(api_key="none", base_url=models.url))
    client.chat(message="The secret question", model="command-r")
    list(client.chat_stream(message="The secret question", model="command-r"))
    with attributes(customer_id="globex"):
        client.embed(texts=["The secret question"] * 200, model="embed-v4.0", input_type="search_query")
    client.v2.chat(**ASKED)

    events = sent()
    assert [event["tokens"] for event in events] == [
        others.PLAIN,
        others.PLAIN,
        {"input": 1600, "output": 0},
        others.PLAIN,
    ]
    assert [event["streaming"] for event in events] == [False, True, False, False]
    assert events[2]["customerId"] == "globex"
    assert [event["requestId"] for event in events[:2]] == ["g1", "g1"]


def test_an_error_reaches_the_program_and_is_told_by_its_kind(client, sent):
    with pytest.raises(cohere.BadRequestError):
        client.chat(model="broken", messages=QUESTION)
    with pytest.raises(cohere.BadRequestError):
        list(client.chat_stream(model="broken", messages=QUESTION))

    assert [(event["status"], event["errorCode"]) for event in sent()] == [("error", "BadRequestError")] * 2
    assert "secret" not in repr(sent())
