"""Calls of the real boto3, to a server on this machine that answers as Bedrock does."""

import json
import time

import boto3
import pytest
from botocore.exceptions import ClientError, EventStreamError

import shapes
import shapes_bedrock as bedrock

NOVA = "us.amazon.nova-lite-v1:0"
ASKED = {"messages": [{"role": "user", "content": [{"text": "The secret question"}]}]}


@pytest.fixture(scope="module")
def session():
    """Making the first client of a session reads much; the others are quick."""
    return boto3.Session("none", "none", region_name="us-east-1")


@pytest.fixture
def client(session, sdk, models):
    return sdk.wrap(session.client("bedrock-runtime", endpoint_url=models.url))


def invoke(client, model, **more):
    return client.invoke_model(modelId=model, body=json.dumps({"prompt": "The secret question"}), **more)


def test_conversations_are_told_whole_and_streamed(client, sent):
    answer = client.converse(modelId=NOVA, **ASKED)
    streamed = client.converse_stream(modelId=NOVA, **ASKED)
    pieces = list(streamed["stream"])

    events = sent()
    assert answer["output"]["message"]["content"][0]["text"] == shapes.SECRET
    assert [next(iter(piece)) for piece in pieces] == ["messageStart", "contentBlockDelta", "messageStop", "metadata"]
    assert type(streamed["stream"]).__name__ == "EventStream"
    assert [event["tokens"] for event in events] == [bedrock.CONVERSE_TOKENS] * 2
    assert {(event["provider"], event["model"], event["operation"]) for event in events} == {("aws", NOVA, "chat")}
    assert [(event["streaming"], event["serviceTier"], event["requestId"]) for event in events] == [
        (False, "flex", "req-1"),
        (True, "flex", "req-1"),
    ]
    assert 0 <= events[1]["timeToFirstTokenMs"] <= events[1]["latencyMs"]
    assert "secret" not in repr(events)


@pytest.mark.parametrize("name", bedrock.INVOKED)
def test_invoked_models_are_told_in_the_words_of_their_makers(client, one, name):
    content, tokens = bedrock.INVOKED[name]
    answer = invoke(client, f"{name}-v1:0")
    body = answer["body"]

    assert type(body).__name__ == "StreamingBody"
    assert json.loads(body.read()) == content
    event = one()
    assert event["tokens"] == tokens
    assert (event["model"], event["usageSource"], event["serviceTier"]) == (f"{name}-v1:0", "reported", "flex")
    assert event["operation"] == ("embeddings" if "embed" in name else "chat")
    assert "secret" not in repr(event)


@pytest.mark.parametrize(
    "read",
    [
        lambda body: b"".join(body.iter_chunks(7)),
        lambda body: b"".join(body.iter_lines(5)),
        lambda body: body.read(10_000) + body.read(10_000),
        b"".join,
        lambda body: json.dumps(json.load(body)).encode(),
    ],
)
def test_however_a_body_is_read_it_is_whole_and_told_once(client, one, read):
    body = invoke(client, "anthropic.claude-v1:0")["body"]

    assert json.loads(read(body))["usage"] == shapes.MESSAGE_USAGE
    body.close()
    assert one()["tokens"] == shapes.MESSAGE_TOKENS


@pytest.mark.parametrize(
    "leave", [lambda body: None, lambda body: body.close(), lambda body: body.read(3), lambda body: body.__enter__()]
)
def test_of_a_body_that_is_not_read_the_headers_tell(client, one, leave):
    leave(invoke(client, "anthropic.claude-v1:0")["body"])

    assert (one()["status"], one()["tokens"]) == ("ok", bedrock.METRICS_TOKENS)


@pytest.mark.parametrize("model", ["anyone.large-v1:0", "anyone.plain-v1:0"])
def test_of_a_body_that_is_large_or_no_json_the_headers_tell(client, one, model):
    assert len(invoke(client, model)["body"].read()) > 5

    assert (one()["status"], one()["tokens"]) == ("ok", bedrock.METRICS_TOKENS)


def test_a_program_that_takes_its_time_to_read_makes_no_call_longer(client, one):
    began = time.perf_counter()
    body = invoke(client, "anthropic.claude-v1:0")["body"]
    came = time.perf_counter()
    while time.perf_counter() < came + 0.2 + (came - began):
        pass  # it does something else
    body.read()

    assert one()["latencyMs"] <= (came - began) * 1000 + 1


def test_pictures_are_counted_and_what_tells_nothing_is_missing(client, sent):
    invoke(client, "amazon.nova-canvas-v1:0")["body"].read()
    invoke(client, "anyone.silent-v1:0")["body"].read()

    drawn, silent = sent()
    assert (drawn["operation"], drawn["units"]) == ("image", {"image": 2})
    assert "tokens" not in drawn
    assert (silent["usageSource"], silent["tokens"]) == ("missing", {})


STREAMED = {
    "anthropic.claude-v1:0": shapes.MESSAGE_TOKENS,
    NOVA: {**bedrock.METRICS_TOKENS},
    "amazon.titan-text-v1": bedrock.PLAIN,
    "meta.llama3-v1:0": bedrock.METRICS_TOKENS,
    "mistral.mistral-7b-v0:2": bedrock.METRICS_TOKENS,
}


@pytest.mark.parametrize("model", STREAMED)
def test_streams_of_invoked_models_are_told(client, one, model):
    answer = client.invoke_model_with_response_stream(modelId=model, body="{}")
    pieces = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]

    assert shapes.SECRET in repr(pieces)
    event = one()
    assert event["tokens"] == STREAMED[model]
    assert (event["streaming"], event["status"], event["usageSource"]) == (True, "ok", "reported")


def test_a_stream_that_is_left_early_is_cancelled_and_its_usage_missing(client, sent):
    for event in client.converse_stream(modelId=NOVA, **ASKED)["stream"]:
        del event
        break
    client.invoke_model_with_response_stream(modelId=NOVA, body="{}")["body"].close()

    assert [(event["status"], event["usageSource"]) for event in sent()] == [("cancelled", "missing")] * 2


def test_errors_reach_the_program_and_are_told_by_their_code(client, sent):
    with pytest.raises(ClientError, match="secret"):
        client.converse(modelId="broken", **ASKED)
    with pytest.raises(client.exceptions.ValidationException):
        invoke(client, "broken")
    with pytest.raises(EventStreamError):
        list(client.converse_stream(modelId="falling", **ASKED)["stream"])

    events = sent()
    codes = ["ValidationException", "ValidationException", "modelStreamErrorException"]
    assert [event["status"] for event in events] == ["error"] * 3
    assert [event["errorCode"] for event in events] == codes
    assert "secret" not in repr(events)


@pytest.mark.parametrize(
    ("id", "model"),
    [
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2:1", "anthropic.claude-v2:1"),
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0", NOVA),
        (NOVA, NOVA),
    ],
)
def test_an_arn_tells_the_model_and_not_whose_account_it_is(id, model):
    from tokentra_sdk.families.bedrock import model_of

    assert model_of(id) == model


def test_other_services_and_operations_are_left_alone(session, client, sdk, models, caplog, sent):
    other = session.client("sts", endpoint_url=models.url)
    before = other._make_api_call
    assert sdk.wrap(other) is other
    with pytest.raises(ClientError):
        client.count_tokens(modelId=NOVA, input={"converse": ASKED})

    assert other._make_api_call == before
    assert "no client that can be wrapped" in caplog.text
    assert sent() == []
