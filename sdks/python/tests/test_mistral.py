"""Calls of Mistral's real client, to a server on this machine that answers as Mistral does."""

import asyncio

import pytest
from mistralai.azure.client import MistralAzure
from mistralai.client import Mistral
from mistralai.client.errors import SDKError

import shapes
import shapes_others as others

QUESTION = [{"role": "user", "content": "The secret question"}]
ASKED = {"model": "mistral-small-latest", "messages": QUESTION}


@pytest.fixture(scope="module")
def made(_models):
    return Mistral(api_key="none", server_url=f"{_models.url}/mistral")


@pytest.fixture
def client(sdk, made, models):
    return sdk.wrap(made)


def test_chats_streams_code_agents_and_embeddings_are_told(client, sent):
    answer = client.chat.complete(**ASKED)
    with client.chat.stream(**ASKED) as stream:
        text = "".join(event.data.choices[0].delta.content for event in stream)
    client.fim.complete(model="codestral-latest", prompt="The secret question")
    client.agents.complete(agent_id="agent-1", messages=QUESTION)
    client.embeddings.create(model="mistral-embed", inputs=["The secret question"])

    events = sent()
    assert (answer.choices[0].message.content, text) == (shapes.SECRET, shapes.SECRET)
    assert type(client) is Mistral
    assert [event["tokens"] for event in events] == [others.MISTRAL_TOKENS] * 4 + [{"input": 8, "output": 0}]
    assert [event["operation"] for event in events] == ["chat"] * 4 + ["embeddings"]
    assert [event["streaming"] for event in events] == [False, True, False, False, False]
    assert {(event["provider"], event["model"], event["requestId"], event["serviceTier"]) for event in events[:4]} == {
        ("mistral", "mistral-small-2506", "cmpl-1", "default")
    }
    assert "secret" not in repr(events)


def test_asynchronous_calls_and_streams_that_are_left_are_told(client, sent):
    async def calls():
        await client.chat.complete_async(**ASKED)
        async for _ in await client.chat.stream_async(**ASKED):
            pass
        async with await client.chat.stream_async(**ASKED) as stream:
            await stream.__anext__()
        await client.embeddings.create_async(model="mistral-embed", inputs=["The secret question"])
        await client.beta.conversations.append_async(conversation_id="conv_1", inputs="The secret question")

    asyncio.run(calls())

    assert [(event["status"], event["usageSource"]) for event in sent()] == [
        ("ok", "reported"),
        ("ok", "reported"),
        ("cancelled", "missing"),
        ("ok", "reported"),
        ("ok", "reported"),
    ]


def test_conversations_are_told_with_what_their_connectors_brought(client, sent):
    conversations = client.beta.conversations
    begun = conversations.start(model="mistral-medium-latest", inputs="The secret question")
    with conversations.append_stream(conversation_id="conv_1", inputs="The secret question") as stream:
        kinds = [event.event for event in stream]
    with conversations.start_stream(model="mistral-medium-latest", inputs="The secret question") as left:
        next(left)

    *events, stopped = sent()
    assert begun.outputs[0].content == shapes.SECRET
    assert kinds[-1] == "conversation.response.done"
    assert [(event["tokens"], event["units"]) for event in events] == [
        (others.CONVERSATION_TOKENS, {"web_search": 1})
    ] * 2
    assert {(event["model"], event["operation"]) for event in events} == {("mistral-medium-2505", "chat")}
    assert [event["streaming"] for event in events] == [False, True]
    assert (stopped["status"], stopped["usageSource"], stopped["model"]) == (
        "cancelled", "missing", "mistral-medium-latest")  # fmt: skip
    assert "secret" not in repr(events)


def test_ocr_is_told_by_the_page(client, one):
    document = {"type": "document_url", "document_url": "https://example.com/secret.pdf"}
    answer = client.ocr.process(model="mistral-ocr-latest", document=document)

    assert answer.pages[0].markdown == shapes.SECRET
    assert (one()["model"], one()["operation"], one()["units"]) == ("mistral-ocr-2505", "ocr", {"page": 3})
    assert "secret" not in repr(one())


def test_an_error_reaches_the_program_and_is_told_by_its_kind(client, one):
    with pytest.raises(SDKError):
        client.chat.complete(model="broken", messages=QUESTION)

    assert (one()["status"], one()["errorCode"], one()["model"]) == ("error", "SDKError", "broken")
    assert "secret" not in repr(one())


def test_on_azure_it_is_told_as_azure(sdk, models, one):
    client = sdk.wrap(MistralAzure(api_key="none", server_url=f"{models.url}/mistral"))
    client.chat.complete(**ASKED)

    assert (one()["provider"], one()["tokens"]) == ("azure", others.MISTRAL_TOKENS)
