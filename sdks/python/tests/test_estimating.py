"""What a call may use, by what it asks for."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tokentra_sdk.estimating import MOST_LOOKED_AT, tokens_of


@dataclass
class Part:
    text: Any = None
    inline_data: Any = None


def messages(content):
    return {"messages": [{"role": "user", "content": content}]}  # a role of four letters is a token here


CASES = [
    ("chat", messages("abcdefgh"), (3, 1000)),
    ("chat", messages("héhé"), (3, 1000)),
    ("chat", messages("日本語"), (4, 1000)),
    ("chat", {**messages("abcd"), "max_tokens": 9}, (2, 9)),
    ("chat", {**messages("abcd"), "max_completion_tokens": 9, "n": 3}, (2, 27)),
    ("chat", {**messages("abcd"), "max_tokens": 0}, (2, 0)),
    ("chat", {**messages("abcd"), "max_tokens": True}, (2, 1000)),
    ("responses", {"model": "gpt-4o", "input": "abcdefgh", "max_output_tokens": 5}, (2, 5)),
    ("chat", messages([{"type": "", "text": "abcd"}, {"image_url": {"url": "x" * 999}}]), (2, 1000)),
    ("chat", messages([{"source": {"data": "x" * 999}}, {"url": "data:image/png;base64,AAAA"}]), (1, 1000)),
    ("chat", {"contents": ["abcd", Part("abcd"), Part(None, "x" * 99)], "config": {"max_output_tokens": 7}}, (2, 7)),
    ("chat", {"modelId": "nova", "messages": [{"content": [{"text": "abcd"}]}], "inferenceConfig": {"maxTokens": 6}}, (1, 6)),
    ("chat", {"modelId": "claude", "body": json.dumps({"prompt": "abcd", "max_tokens": 3})}, (1, 3)),
    ("chat", {"modelId": "claude", "body": json.dumps({"prompt": "abcd", "max_tokens": 3}).encode()}, (1, 3)),
    ("chat", {"modelId": "claude", "body": b"\xff"}, (0, 1000)),
    ("embeddings", {"input": ["abcd", "abcd"]}, (2, 0)),
    ("embeddings", {"input": [[1, 2, 3], [4]]}, (4, 0)),
    ("rerank", {"query": "abcd", "documents": ["abcd"]}, (2, 0)),
    ("chat", {}, (0, 1000)),
    ("chat", 7, (0, 1000)),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "body", "told"), CASES)
def test_tokens(operation, body, told):
    assert tokens_of(operation, body, 1000) == {"input": told[0], "output": told[1]}


@pytest.mark.parametrize("operation", ["image", "speech", "query", "ocr"])
def test_of_what_is_not_counted_in_tokens_nothing_is_said(operation):
    assert tokens_of(operation, {"input": "abcd"}, 1000) is None


def test_what_is_very_deep_or_holds_itself_comes_to_an_end():
    around: list[Any] = ["abcd"]
    around.append(around)
    assert tokens_of("chat", around, 0)["input"] < 50
    assert tokens_of("chat", [["abcd"]] * MOST_LOOKED_AT, 0)["input"] <= MOST_LOOKED_AT
