"""What models on Bedrock answer: conversations in its own words, invoked models in those of whoever made them."""

from __future__ import annotations

import base64
import json
from typing import Any

import event_stream
import shapes
from shapes import SECRET, Answer, whole

CONVERSE_USAGE = {
    "inputTokens": 600,
    "outputTokens": 50,
    "totalTokens": 820,
    "cacheReadInputTokens": 300,
    "cacheWriteInputTokens": 170,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 70}, {"ttl": "5m", "inputTokens": 100}],
}
CONVERSE_TOKENS = {"input": 600, "cacheRead": 300, "cacheWrite5m": 100, "cacheWrite1h": 70, "output": 50}
PLAIN = {"input": 600, "output": 50}
CHUNK_METRICS = {
    "inputTokenCount": 600,
    "outputTokenCount": 50,
    "invocationLatency": 9,
    "firstByteLatency": 3,
    "cacheReadInputTokenCount": 300,
    "cacheWriteInputTokenCount": 170,
}
METRICS_TOKENS = {"input": 600, "cacheRead": 300, "cacheWrite5m": 170, "output": 50}
HEADERS = {"x-amzn-requestid": "req-1", "x-amzn-bedrock-service-tier": "flex"}
COUNTED = {
    "x-amzn-bedrock-input-token-count": "600",
    "x-amzn-bedrock-output-token-count": "50",
    "x-amzn-bedrock-cache-read-input-token-count": "300",
    "x-amzn-bedrock-cache-write-input-token-count": "170",
}


def refused(path: str) -> Answer | None:
    if "broken" not in path:
        return None
    return whole({"message": "No: The secret question"}, 400, **{"x-amzn-errortype": "ValidationException", **HEADERS})


def converse(path: str, asked: Any) -> Answer:
    message = {"role": "assistant", "content": [{"text": SECRET}]}
    content = {
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": CONVERSE_USAGE,
        "metrics": {"latencyMs": 9},
        "serviceTier": {"type": "flex"},
    }
    return refused(path) or whole(content, **HEADERS)


def converse_stream(path: str, asked: Any) -> Answer:
    pieces: list[tuple[str, Any]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": SECRET}}),
    ]
    if "falling" in path:
        pieces.append(("modelStreamErrorException", {"message": "The secret answer fell over"}))
    else:
        pieces.append(("messageStop", {"stopReason": "end_turn"}))
        metadata = {"usage": CONVERSE_USAGE, "metrics": {"latencyMs": 9}, "serviceTier": {"type": "flex"}}
        pieces.append(("metadata", metadata))
    return refused(path) or streamed(pieces)


# By a part of the model's name: what it answers to `invoke`, and the tokens that this comes to.
INVOKED: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "anthropic.claude": (
        {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "stop_reason": None,
         "stop_sequence": None, "usage": shapes.MESSAGE_USAGE},
        shapes.MESSAGE_TOKENS,
    ),
    "amazon.nova": (
        {"output": {"message": {"content": [{"text": SECRET}]}}, "usage": {
            "inputTokens": 600, "outputTokens": 50, "cacheReadInputTokenCount": 300, "cacheWriteInputTokenCount": 170}},
        METRICS_TOKENS,
    ),
    "amazon.titan-text": (
        {"inputTextTokenCount": 600, "results": [{"tokenCount": 50, "outputText": SECRET}]},
        PLAIN,
    ),
    "amazon.titan-embed": ({"embedding": [0.5], "inputTextTokenCount": 8}, {"input": 8, "output": 0}),
    "meta.llama3": ({"generation": SECRET, "prompt_token_count": 600, "generation_token_count": 50}, PLAIN),
    "mistral.pixtral": (
        {"choices": [], "usage": {"prompt_tokens": 600, "completion_tokens": 50, "total_tokens": 650}},
        PLAIN,
    ),
    "cohere.command-r": (
        {"text": SECRET, "meta": {"billed_units": {"input_tokens": 600, "output_tokens": 50}}},
        PLAIN,
    ),
    "ai21.old": ({"completions": []}, METRICS_TOKENS),
}  # fmt: skip


def invoke(path: str, asked: Any) -> Answer:
    if answer := refused(path):
        return answer
    if "canvas" in path:
        return whole({"images": ["AAAA", "AAAA"]}, **HEADERS)
    if "large" in path:
        return whole({"completion": SECRET, "usage": {"input_tokens": 1}, "more": "x" * 200_000}, **HEADERS, **COUNTED)
    if "plain" in path:
        return Answer(body=b"no JSON", headers={**HEADERS, **COUNTED})
    if "silent" in path:
        return whole({"completion": SECRET}, **HEADERS)
    content = next(content for name, (content, _) in INVOKED.items() if name in path)
    return whole(content, **HEADERS, **COUNTED)


def invoke_stream(path: str, asked: Any) -> Answer:
    if answer := refused(path):
        return answer
    metrics = {"amazon-bedrock-invocationMetrics": CHUNK_METRICS}
    if "anthropic" in path:
        pieces = [*shapes.message_events({"model": "claude"})]
        pieces[-1] = {**pieces[-1], **metrics}
    elif "nova" in path:
        usage = {**CONVERSE_USAGE, "cacheDetails": []}
        pieces = [{"contentBlockDelta": {"delta": {"text": SECRET}}}, {"metadata": {"usage": usage}, **metrics}]
    elif "titan" in path:
        last = {"outputText": "", "inputTextTokenCount": 600, "totalOutputTextTokenCount": 50}
        pieces = [{"outputText": SECRET, "inputTextTokenCount": None}, {**last, **metrics}]
    elif "llama" in path:
        last = {"generation": "", "prompt_token_count": None, "generation_token_count": 50, "stop_reason": "stop"}
        pieces = [{"generation": SECRET, "prompt_token_count": 600, "generation_token_count": 1}, {**last, **metrics}]
    else:
        pieces = [{"outputs": [{"text": SECRET}]}, {"outputs": [], **metrics}]
    return streamed(("chunk", {"bytes": base64.b64encode(json.dumps(piece).encode()).decode()}) for piece in pieces)


def streamed(pieces: Any) -> Answer:
    return Answer(
        kind="application/vnd.amazon.eventstream",
        headers=dict(HEADERS),
        pieces=event_stream.written((name, shapes.spoil(piece)) for name, piece in pieces),
    )


shapes.PATHS.update(
    {
        "/converse": converse,
        "/converse-stream": converse_stream,
        "/invoke": invoke,
        "/invoke-with-response-stream": invoke_stream,
    }
)
