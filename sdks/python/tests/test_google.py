"""Calls of Google's real client, to a server on this machine that answers as Gemini and Vertex do."""

import asyncio

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

import shapes
import shapes_google as google

ASKED = {"model": "gemini-2.5-flash", "contents": "The secret question"}


@pytest.fixture(scope="module")
def gemini(_models):
    return genai.Client(api_key="none", http_options={"base_url": _models.url})


@pytest.fixture(scope="module")
def vertex(_models):
    return genai.Client(
        vertexai=True,
        project="ours",
        location="us-central1",
        credentials=Credentials("none"),
        http_options={"base_url": _models.url},
    )


@pytest.fixture
def client(sdk, gemini, models):
    return sdk.wrap(gemini)


def test_contents_are_told_whole_streamed_and_in_chats(client, sent):
    answer = client.models.generate_content(**ASKED)
    pieces = list(client.models.generate_content_stream(model="models/gemini-2.5-flash", contents="The secret"))
    client.chats.create(model="gemini-2.5-flash").send_message("The secret question")

    events = sent()
    assert (type(answer), answer.text) == (types.GenerateContentResponse, shapes.SECRET)
    assert [piece.text for piece in pieces] == [shapes.SECRET] * 2
    assert [event["tokens"] for event in events] == [google.TOKENS] * 3
    assert [event["streaming"] for event in events] == [False, True, False]
    assert {(event["provider"], event["model"], event["operation"], event["requestId"]) for event in events} == {
        ("google", "gemini-2.5-flash", "chat", "r1")
    }
    assert (events[0]["serviceTier"], events[0]["usageSource"]) == ("default", "reported")
    assert "secret" not in repr(events)


def test_asynchronous_calls_are_told_alike(client, sent):
    async def calls():
        await client.aio.models.generate_content(**ASKED)
        async for _ in await client.aio.models.generate_content_stream(**ASKED):
            pass
        async for piece in await client.aio.models.generate_content_stream(**ASKED):
            del piece
            break
        await client.aio.aclose()

    asyncio.run(calls())

    assert [event["status"] for event in sent()] == ["ok", "ok", "cancelled"]
    assert [event["tokens"] for event in sent()] == [google.TOKENS, google.TOKENS, {}]


@pytest.mark.filterwarnings("ignore:The generate_images")
def test_on_vertex_the_tier_and_the_tokens_of_embeddings_are_told(sdk, vertex, models, sent):
    client = sdk.wrap(vertex)
    client.models.generate_content(**ASKED)
    client.models.embed_content(model="text-embedding-005", contents=["The secret", "question"])
    client.models.generate_images(model="imagen-4.0", prompt="The secret question")

    chat, embedded, drawn = sent()
    assert (chat["tokens"], chat["serviceTier"]) == (google.TOKENS, "flex")
    assert (embedded["operation"], embedded["tokens"]) == ("embeddings", {"input": 8})
    assert (drawn["operation"], drawn["model"], drawn["units"]) == ("image", "imagen-4.0", {"image": 2})


def test_embeddings_of_the_own_api_say_that_their_tokens_are_missing(client, one):
    client.models.embed_content(model="gemini-embedding-001", contents="The secret question")

    assert (one()["tokens"], one()["usageSource"]) == ({}, "missing")


def test_each_request_of_a_call_that_runs_functions_is_told(client, sent):
    def look_up(word: str) -> str:
        """Looks up a word."""
        return f"no {word}"

    answer = client.models.generate_content(**ASKED, config=types.GenerateContentConfig(tools=[look_up]))

    assert answer.text == shapes.SECRET
    assert [event["tokens"] for event in sent()] == [google.TOKENS] * 2


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "tells-early"])
def test_a_stream_that_is_left_early_is_cancelled_and_its_usage_missing(client, one, model):
    stream = client.models.generate_content_stream(model=model, contents="The secret question")
    next(stream)
    stream.close()

    assert (one()["status"], one()["usageSource"]) == ("cancelled", "missing")


def test_errors_reach_the_program_and_are_told_by_their_kind(client, sent):
    for model in ("broken", "falling"):
        with pytest.raises(errors.APIError, match="secret"):
            list(client.models.generate_content_stream(model=model, contents="The secret question"))
    with pytest.raises(errors.ClientError):
        client.models.generate_content(model="broken", contents="The secret question")

    events = sent()
    assert [event["status"] for event in events] == ["error"] * 3
    assert events[2]["errorCode"] == "ClientError"
    assert "secret" not in repr(events)
