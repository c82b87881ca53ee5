"""Calls of the real client of OpenAI, to a server on this machine that answers as OpenAI does."""

import asyncio
import inspect
import io

import openai
import pytest
from pydantic import BaseModel

import shapes
from tokentra_sdk import watching

QUESTION = [{"role": "user", "content": "The secret question"}]


@pytest.fixture
def client(sdk, models):
    return sdk.wrap(openai.OpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0))


@pytest.fixture
def later(sdk, models):
    return sdk.wrap(openai.AsyncOpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0))


def ask(client, **more):
    return client.chat.completions.create(**{"model": "gpt-4o-mini", "messages": QUESTION, **more})


def test_a_chat_is_told_with_its_tokens_by_class(client, one):
    answer = ask(client)

    event = one()
    assert type(answer) is openai.types.chat.ChatCompletion
    assert answer.choices[0].message.content == shapes.SECRET
    assert event["tokens"] == shapes.CHAT_TOKENS
    assert (event["provider"], event["model"], event["operation"]) == ("openai", "gpt-4o-mini-2026-01-01", "chat")
    assert (event["status"], event["usageSource"], event["streaming"]) == ("ok", "reported", False)
    assert (event["requestId"], event["serviceTier"]) == ("chatcmpl-1", "flex")
    assert 0 <= event["latencyMs"] < 5_000


def test_what_was_asked_and_answered_is_never_sent(client, sent):
    ask(client)
    list(ask(client, stream=True))
    client.responses.create(model="gpt-5", input="The secret question")
    with pytest.raises(openai.BadRequestError):
        ask(client, model="broken")

    assert len(sent()) == 4
    assert "secret" not in repr(sent())


def test_the_client_stays_what_it_is(client, models):
    assert type(client) is openai.OpenAI
    assert inspect.signature(client.chat.completions.create) == inspect.signature(
        openai.OpenAI(api_key="none").chat.completions.create
    )


def test_an_error_reaches_the_program_and_is_told_without_its_message(client, one):
    with pytest.raises(openai.BadRequestError, match="No"):
        ask(client, model="broken")

    event = one()
    assert (event["status"], event["errorCode"], event["model"]) == ("error", "BadRequestError", "broken")
    assert event["tokens"] == {}
    assert "usageSource" not in event


def test_a_server_that_is_away_is_an_error_as_before(sdk, one):
    client = sdk.wrap(openai.OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", max_retries=0))

    with pytest.raises(openai.APIConnectionError):
        ask(client)

    assert one()["errorCode"] == "APIConnectionError"


# Streams


def test_a_stream_is_asked_for_its_usage_and_the_program_sees_what_it_asked_for(client, models, one):
    stream = ask(client, stream=True)
    assert isinstance(stream, openai.Stream)
    pieces = list(stream)

    event = one()
    assert models.asked[0][1]["stream_options"] == {"include_usage": True}
    assert all(piece.choices for piece in pieces)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == shapes.SECRET.replace(" ", "")
    assert event["tokens"] == shapes.CHAT_TOKENS
    assert (event["streaming"], event["status"], event["usageSource"]) == (True, "ok", "reported")
    assert 0 <= event["timeToFirstTokenMs"] <= event["latencyMs"]


def test_a_program_that_asks_for_usage_itself_sees_it(client, sent):
    pieces = list(ask(client, stream=True, stream_options={"include_usage": True}))

    assert pieces[-1].usage.prompt_tokens == 1000
    assert sent()[0]["tokens"] == shapes.CHAT_TOKENS


def test_other_options_of_a_stream_stay(client, models, sent):
    list(ask(client, stream=True, stream_options={"include_obfuscation": False}))

    assert models.asked[0][1]["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_a_server_that_does_not_know_the_question_is_asked_as_the_program_did(client, models, sent):
    for _ in range(2):
        pieces = list(ask(client, model="old", stream=True))
        assert len(pieces) == 4

    assert ["stream_options" in body for _, body, _ in models.asked] == [True, False, False]
    assert [(event["status"], event["usageSource"], event["tokens"]) for event in sent()] == [("ok", "missing", {})] * 2


def test_a_stream_can_be_read_by_next_and_with_a_block(client, sent):
    with ask(client, stream=True) as stream:
        first = next(stream)
        rest = list(stream)

    assert first.choices[0].delta.content == "The"
    assert len(rest) == 3
    assert [event["status"] for event in sent()] == ["ok"]


def test_a_stream_that_is_left_early_is_told_as_cancelled_with_usage_missing(client, one):
    with ask(client, stream=True) as stream:
        for _ in stream:
            break

    event = one()
    assert (event["status"], event["usageSource"], event["tokens"]) == ("cancelled", "missing", {})


def test_a_stream_that_is_dropped_is_told_too(client, one):
    next(ask(client, stream=True))

    assert one()["status"] == "cancelled"


def test_a_stream_that_was_left_can_be_read_on(client, one):
    stream = ask(client, stream=True)
    for _ in stream:
        break
    rest = list(stream)

    assert len(rest) == 3
    assert one()["status"] == "ok"


def test_a_stream_that_breaks_is_an_error_as_before(client, one):
    with pytest.raises(openai.APIError, match="fell over"):
        list(ask(client, model="falling", stream=True))

    event = one()
    assert (event["status"], event["errorCode"], event["usageSource"]) == ("error", "APIError", "missing")


def test_the_helper_for_streams_is_told_once(client, one):
    with client.chat.completions.stream(model="gpt-4o-mini", messages=QUESTION) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()

    assert "content.delta" in kinds
    assert final.choices[0].message.content == shapes.SECRET.replace(" ", "")
    assert one()["tokens"] == shapes.CHAT_TOKENS


def test_parsed_answers_are_told_once(client, models, one):
    class Note(BaseModel):
        text: str

    with pytest.raises(Exception, match="JSON"):
        client.chat.completions.parse(model="gpt-4o-mini", messages=QUESTION, response_format=Note)

    assert one()["status"] == "error"  # as the program sees it: the answer is no note


# Raw answers


def test_raw_answers_are_told_and_stay_raw(client, one):
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=QUESTION)

    assert raw.headers["x-request-id"] == "req_1"
    assert raw.parse().choices[0].message.content == shapes.SECRET
    assert one()["tokens"] == shapes.CHAT_TOKENS


def test_of_large_raw_answers_the_end_is_read(client, one):
    raw = client.embeddings.with_raw_response.create(model="text-embedding-3-large", input=["The secret"] * 5_000)

    assert len(raw.http_response.content) > 128 * 1024
    assert one()["tokens"] == {"input": 8}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ('"usage": {"prompt_tokens": 8}}', {"usage": {"prompt_tokens": 8}}),
        ('"said": "\\"usage\\": 9", "usage":null}', {"usage": None}),
        ('"said": "no"}', {}),
    ],
)
def test_the_end_of_an_answer_tells_its_usage(end, told):
    assert watching.end_of(b'{"data": "' + b"x" * 100_000 + b'", ' + end.encode()) == told


def test_raw_streams_are_told_when_they_are_read(client, one):
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=QUESTION, stream=True)
    list(raw.parse())

    assert one()["tokens"] == shapes.CHAT_TOKENS


@pytest.mark.parametrize("read", ["parse", "read", "nothing"])
def test_answers_that_are_read_later_are_told_as_far_as_they_were_read(client, one, read):
    with client.chat.completions.with_streaming_response.create(model="gpt-4o-mini", messages=QUESTION) as raw:
        if read != "nothing":
            getattr(raw, read)()

    event = one()
    assert event["status"] == "ok"
    assert event["usageSource"] == ("missing" if read == "nothing" else "reported")
    assert event["tokens"] == ({} if read == "nothing" else shapes.CHAT_TOKENS)


def test_a_copy_with_other_options_reports_too(client, sent):
    ask(client.with_options(timeout=20).copy(max_retries=1))

    assert len(sent()) == 1


# Asynchronous


def test_asynchronous_calls_and_streams_are_told_alike(later, sent):
    async def calls():
        await ask(later)
        async for _ in await ask(later, stream=True):
            pass
        async with await ask(later, stream=True) as stream:
            async for _ in stream:
                break
        async with later.chat.completions.stream(model="gpt-4o-mini", messages=QUESTION) as helped:
            await helped.get_final_completion()
        raw = await later.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=QUESTION)
        raw.parse()
        async with later.chat.completions.with_streaming_response.create(model="gpt-4o-mini", messages=QUESTION) as raw:
            await raw.parse()
        await later.close()

    asyncio.run(calls())

    events = sent()
    assert [event["status"] for event in events] == ["ok", "ok", "cancelled", "ok", "ok", "ok"]
    assert [event["tokens"] for event in events if event["status"] == "ok"] == [shapes.CHAT_TOKENS] * 5


def test_a_cancelled_task_is_told_as_cancelled(sdk, tokentra, one):
    async def call():
        client = sdk.wrap(openai.AsyncOpenAI(api_key="none", base_url=f"{slow.url}/v1", max_retries=0))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ask(client), 0.2)

    with __import__("taking").taking() as slow:
        slow.open.clear()
        asyncio.run(call())
        slow.open.set()

    assert one()["status"] == "cancelled"


# Other than chat


def test_responses_are_told_with_the_tools_of_openai(client, sent):
    client.responses.create(model="gpt-5", input="The secret question")
    list(client.responses.create(model="gpt-5", input="The secret question", stream=True))
    with client.responses.stream(model="gpt-5", input="The secret question") as stream:
        stream.get_final_response()

    events = sent()
    assert [event["tokens"] for event in events] == [shapes.RESPONSE_TOKENS] * 3
    assert [event["units"] for event in events] == [{"web_search": 1}] * 3
    assert {event["operation"] for event in events} == {"responses"}


def test_a_response_of_the_background_counts_once_when_it_is_done(client, sent, tokentra):
    client.responses.create(model="gpt-5", input="The secret question", background=True)
    for _ in range(2):
        client.responses.retrieve("resp_1")

    [event] = sent()
    assert (event["id"], event["tokens"]) == ("resp_1", shapes.RESPONSE_TOKENS)
    assert event["occurredAt"] == "2026-09-21T14:13:20.000Z"
    assert "latencyMs" not in event


def test_embeddings_images_and_audio_are_told_in_what_they_are_billed_by(client, sent):
    client.embeddings.create(model="text-embedding-3-small", input="The secret question")
    client.images.generate(model="gpt-image-1", prompt="The secret question")
    client.images.generate(model="dall-e-3", prompt="The secret question")
    client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", io.BytesIO(b"sound")))
    client.audio.transcriptions.create(model="whisper-1", file=("a.wav", io.BytesIO(b"sound")))
    client.audio.speech.create(model="tts-1", voice="alloy", input="The secret question")

    events = sent()
    assert [(event["operation"], event.get("tokens"), event.get("units")) for event in events] == [
        ("embeddings", {"input": 8}, None),
        ("image", {"input": 20, "output": 0, "imageIn": 40, "imageOut": 500}, None),
        ("image", None, {"image": 2}),
        ("transcription", {"input": 14, "output": 45, "audioIn": 100}, None),
        ("transcription", None, {"audio_second": 12.5}),
        ("speech", None, {"character": 19}),
    ]


def test_requests_that_are_no_model_calls_are_left_alone(client, sent):
    with pytest.raises(openai.NotFoundError):
        client.models.list()

    assert sent() == []


# Who answers


def test_azure_is_told_as_azure(sdk, models, one):
    client = sdk.wrap(
        openai.AzureOpenAI(
            api_key="none", azure_endpoint=models.url, api_version="2024-10-21", azure_deployment="ours", max_retries=0
        )
    )
    list(ask(client, model="ours", stream=True))

    event = one()
    assert "/openai/deployments/ours/chat/completions" in models.asked[0][0]
    assert (event["provider"], event["model"]) == ("azure", "ours-2026-01-01")
    assert event["tokens"] == shapes.CHAT_TOKENS


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://ours.openai.azure.com/openai/v1/", "azure"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://notapi.groq.com.example.com/v1", "openai"),
        ("http://localhost:8000/v1", "openai"),
    ],
)
def test_an_address_tells_whose_models_answer(address, provider):
    from tokentra_sdk.families.openai import provider_of

    assert provider_of(openai.OpenAI(api_key="none", base_url=address)) == provider


def test_a_program_may_say_whose_models_answer(sdk, models, one):
    client = sdk.wrap(openai.OpenAI(api_key="none", base_url=f"{models.url}/v1"), provider="vllm")
    ask(client)

    assert one()["provider"] == "vllm"


def test_wrapping_twice_tells_once(client, sdk, one):
    ask(sdk.wrap(sdk.wrap(client)))

    assert one()["status"] == "ok"
