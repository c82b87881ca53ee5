"""Calls of the real client of Anthropic, to a server on this machine that answers as Anthropic does."""

import asyncio

import anthropic
import pytest

import shapes

ASKED = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "The secret question"}]}


@pytest.fixture
def client(sdk, models):
    return sdk.wrap(anthropic.Anthropic(api_key="none", base_url=models.url, max_retries=0))


def test_whole_answers_and_every_kind_of_stream_are_told_alike(client, sent):
    answer = client.messages.create(**ASKED)
    pieces = list(client.messages.create(**ASKED, stream=True))
    with client.messages.stream(**ASKED) as stream:
        final = stream.get_final_message()
    client.messages.with_raw_response.create(**ASKED)

    events = sent()
    assert type(answer) is anthropic.types.Message
    assert (pieces[-1].type, final.usage.output_tokens) == ("message_stop", 50)
    assert [event["tokens"] for event in events] == [shapes.MESSAGE_TOKENS] * 4
    assert {(event["provider"], event["operation"], event["serviceTier"]) for event in events} == {
        ("anthropic", "chat", "default")
    }
    assert [event["units"] for event in events] == [{"web_search": 2}] * 4
    assert "secret" not in repr(events)


def test_asynchronous_calls_are_told_alike(sdk, models, sent):
    async def calls():
        later = sdk.wrap(anthropic.AsyncAnthropic(api_key="none", base_url=models.url, max_retries=0))
        await later.messages.create(**ASKED)
        async for _ in await later.messages.create(**ASKED, stream=True):
            pass
        async with later.messages.stream(**ASKED) as stream:
            await stream.get_final_message()

    asyncio.run(calls())

    assert [event["tokens"] for event in sent()] == [shapes.MESSAGE_TOKENS] * 3


def test_a_stream_that_is_left_early_says_that_its_usage_is_missing(client, one):
    with client.messages.create(**ASKED, stream=True) as stream:
        next(stream)

    assert (one()["status"], one()["usageSource"]) == ("cancelled", "missing")


def test_an_error_reaches_the_program_and_is_told(client, one):
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(**{**ASKED, "model": "broken"})

    assert (one()["status"], one()["errorCode"]) == ("error", "BadRequestError")


# On clouds

VERTEX = {"region": "us-east5", "project_id": "ours", "access_token": "none"}
ON_CLOUDS = {**ASKED, "model": "us.anthropic.claude-v1:0"}
BEDROCK = {"aws_region": "us-east-1", "aws_access_key": "none", "aws_secret_key": "none"}


def on_clouds(models):
    """A client, what makes it, and whose models they are told as."""
    return [
        ("AnthropicBedrock", {**BEDROCK, "base_url": models.url}, "aws"),
        ("AnthropicVertex", {**VERTEX, "base_url": models.url}, "google"),
    ]


def test_on_bedrock_and_vertex_the_model_is_what_was_asked_for(sdk, models, sent):
    for name, options, _ in on_clouds(models):
        client = sdk.wrap(getattr(anthropic, name)(**options, max_retries=0))
        client.messages.create(**ON_CLOUDS)
        with client.messages.stream(**ON_CLOUDS) as stream:
            assert stream.get_final_message().usage.output_tokens == 50

    events = sent()
    assert [event["provider"] for event in events] == ["aws", "aws", "google", "google"]
    assert {event["model"] for event in events} == {"us.anthropic.claude-v1:0"}
    assert [event["tokens"] for event in events] == [shapes.MESSAGE_TOKENS] * 4


def test_on_bedrock_and_vertex_asynchronous_calls_are_told_alike(sdk, models, sent):
    async def calls():
        for name, options, _ in on_clouds(models):
            client = sdk.wrap(getattr(anthropic, f"Async{name}")(**options, max_retries=0))
            await client.messages.create(**ON_CLOUDS)
            async for _ in await client.messages.create(**ON_CLOUDS, stream=True):
                pass

    asyncio.run(calls())

    assert [event["provider"] for event in sent()] == ["aws", "aws", "google", "google"]
    assert [event["tokens"] for event in sent()] == [shapes.MESSAGE_TOKENS] * 4


# Batches


def test_each_result_of_a_batch_is_told_once_at_the_price_of_batches(client, sent, tokentra):
    for _ in range(2):
        results = list(client.messages.batches.results("msgbatch_1"))

    events = sent()
    assert [result.custom_id for result in results] == ["a", "b", "c"]
    assert [(event["id"], event["tokens"], event["serviceTier"]) for event in events] == [
        ("msg_a", shapes.MESSAGE_TOKENS, "batch"),
        ("msg_c", shapes.MESSAGE_TOKENS, "batch"),
    ]
    assert {(event["occurredAt"], event["model"], event["operation"]) for event in events} == {
        ("2026-09-21T14:13:20.000Z", "claude-haiku-4-5", "chat")
    }
    assert all("latencyMs" not in event for event in events)
    assert tokentra.duplicates == 2
    assert "secret" not in repr(events)


def test_results_of_a_batch_are_told_asynchronously_and_as_far_as_they_are_read(sdk, models, sent):
    async def calls():
        client = sdk.wrap(anthropic.AsyncAnthropic(api_key="none", base_url=models.url))
        async for result in await client.messages.batches.results("msgbatch_1"):
            assert result.custom_id == "a"
            break

    asyncio.run(calls())

    assert [event["id"] for event in sent()] == ["msg_a"]


def test_to_look_at_a_batch_is_no_model_call(client, sent):
    assert client.messages.batches.retrieve("msgbatch_open").processing_status == "in_progress"
    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        client.messages.batches.results("msgbatch_open")

    assert sent() == []
