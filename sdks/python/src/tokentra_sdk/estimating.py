"""How many tokens a call may use, by what it asks for. Counted in the program; what was written stays there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tokentra_sdk.usage import get

BYTES_OF_A_TOKEN = 4  # of most languages and models; what is written in UTF-8
MOST_LOOKED_AT, DEEPEST = 20_000, 12
LARGEST_READ = 256 * 1024
GENERATING = frozenset(("chat", "text_completion", "responses"))
READING = frozenset(("embeddings", "rerank"))
# What says how much may come out, as the libraries call it.
LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens", "max_gen_len", "maxTokenCount")
AROUND = ("config", "inferenceConfig", "textGenerationConfig", "completion_args", "generation_config")
# What holds no words of the prompt: names, and pictures, sounds and files.
LEFT_OUT = frozenset(
    ("model", "modelId", "metadata", "user", "data", "file_data", "inline_data", "image_url", "input_audio", "bytes")
)


def tokens_of(operation: str, body: Any, expected_output: int) -> dict[str, int] | None:
    """What goes in, by its length, and the most that may come out; None where nobody can say."""
    if operation not in GENERATING and operation not in READING:
        return None
    asked = read_body(body)
    going_in = -(-Counting().bytes_of(asked) // BYTES_OF_A_TOKEN)
    if operation in READING:
        return {"input": going_in, "output": 0}
    most = most_out(asked)
    answers = get(asked, "n") if isinstance(asked, Mapping) else None
    times = answers if isinstance(answers, int) and 1 <= answers <= 128 else 1
    return {"input": going_in, "output": (expected_output if most is None else most) * times}


def read_body(body: Any) -> Any:
    """An invoked model of Bedrock is asked in JSON that the program wrote."""
    written = get(body, "body") if isinstance(body, Mapping) else None
    if not isinstance(written, (str, bytes, bytearray)):
        return body
    if len(written) > LARGEST_READ:
        return {"body": written if isinstance(written, str) else written.decode("utf-8", "replace")}
    try:
        return json.loads(written)
    except ValueError:
        return {}


def most_out(asked: Any) -> int | None:
    for place in (asked, *(get(asked, name) for name in AROUND)):
        for name in LIMITS:
            most = get(place, name)
            if isinstance(most, int) and not isinstance(most, bool) and most >= 0:
                return most
    return None


class Counting:
    """Bounded, whatever a program hands over."""

    def __init__(self) -> None:
        self.looked_at = 0

    def bytes_of(self, thing: Any, depth: int = 0) -> int:
        self.looked_at += 1
        if self.looked_at > MOST_LOOKED_AT or depth > DEEPEST or holds_no_words(thing):
            return 0
        if isinstance(thing, str):
            return 0 if thing.startswith("data:") else len(thing) if thing.isascii() else len(utf8(thing))
        if isinstance(thing, Mapping):
            return sum(self.bytes_of(value, depth + 1) for name, value in thing.items() if name not in LEFT_OUT)
        if isinstance(thing, (list, tuple)):
            if thing and type(thing[0]) is int:  # tokens already
                return len(thing) * BYTES_OF_A_TOKEN
            return sum(self.bytes_of(each, depth + 1) for each in thing)
        return self.bytes_of(getattr(thing, "__dict__", None), depth + 1)


def holds_no_words(thing: Any) -> bool:
    return thing is None or isinstance(thing, (int, float, bytes)) or callable(thing)


def utf8(said: str) -> bytes:
    return said.encode("utf-8", "replace")
