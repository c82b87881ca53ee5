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
