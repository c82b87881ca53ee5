"""Of an error only its name is kept: what libraries say beside it may quote what was asked."""

import json
from datetime import UTC, datetime, timedelta
from time import process_time
from uuid import uuid4

import pytest

from tests.usage.measuring.otlp.conftest import attribute, chat
from usage.measuring.otlp.calls import Calls
from usage.measuring.otlp.spans import from_json
from usage.measuring.reading import Reader

CANARY = "canary of a patient, born 1970."


def kept(*spans):
    """As they are stored, and what was left out."""
    calls = Calls(from_json(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}).encode()))
    reader = Reader(uuid4(), None, datetime.now(UTC) + timedelta(seconds=1))
    reads = [reader.read(event) for event in calls.events()]
    return reads, calls.left_out + reader.discards


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("openai.RateLimitError", "RateLimitError"),
        ("f.<locals>.Refused", "Refused"),
        ("<class 'openai.BadRequestError'>", "BadRequestError"),
        ("*net.OpError", "OpError"),
        ("Net::ReadTimeout", "Net::ReadTimeout"),
        ("System.Net.Http.HttpRequestException", "HttpRequestException"),
        ("AI_APICallError", "AI_APICallError"),
        ("_OTHER", "_OTHER"),
        ("rate_limit_exceeded", "rate_limit_exceeded"),
        ("429", "429"),
        ("Timeout.", "Timeout"),
    ],
)
def test_a_class_or_a_code_is_kept(said, name):
    [read], left_out = kept(chat(1, attributes={"error.type": said}))

    assert (read.sent.error_code, left_out) == (name, {})


@pytest.mark.parametrize(
    ("said", "name", "status"),
    [
        (f"BadRequestError: {CANARY}", "BadRequestError", "error"),
        (f"openai.BadRequestError: {CANARY}", "BadRequestError", "error"),
        (f"BadRequestError('{CANARY}')", "BadRequestError", "error"),
        (f"APITimeoutError: cancel the {CANARY}", "APITimeoutError", "timeout"),
        (f"Error code: 400 - {{'message': '{CANARY}'}}", "error", "error"),
        (f"the {CANARY}canary", "error", "error"),
        (f"Request timeout for {CANARY}", "error", "timeout"),
        (f'{{"error": "{CANARY}"}}', "error", "error"),
        ("canary@acme.example", "error", "error"),
        ("https://acme.example/?q=canary", "error", "error"),
        ("カナリア", "error", "error"),
        ("canary" * 50, "error", "error"),
    ],
)
def test_b42_of_what_an_error_says_nothing_but_its_name_is_kept_and_the_rest_counted(said, name, status):
    by_itself = kept(chat(1, attributes={"error.type": said}))
    as_exception = kept(
        chat(1, status={"code": 2}, events=[{"name": "exception", "attributes": [attribute("exception.type", said)]}])
    )

    for [read], left_out in (by_itself, as_exception):
        assert (read.sent.error_code, read.sent.status, read.tags) == (name, status, {})
        assert left_out == {"error_text": 1}


def test_a_very_long_text_of_an_error_takes_no_time():
    spans = [
        chat(number, attributes={"error.type": text})
        for number, text in enumerate(("a" * 10**5, " " * 10**5 + "a", "a" + " " * 10**5 + "b", "<class '" * 10**4), 1)
    ]
    before = process_time()

    reads, _ = kept(*spans)

    assert len(reads) == 4
    assert process_time() - before < 1
