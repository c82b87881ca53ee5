"""What providers answer, in their own shapes: one answer for each path, whole or as a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

SECRET = "The secret answer"


@dataclass
class Answer:
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Iterable[bytes] | None = None


def spoil(content: Any) -> Any:
    """Tests that want answers to make no sense put another one here."""
    return content


def whole(content: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers=headers, body=json.dumps(spoil(content)).encode())


def events(pieces: Iterable[tuple[str, Any]], end: bytes = b"") -> Answer:
    """Server-sent events: a name, which may be empty, and what it says."""

    def written() -> Iterator[bytes]:
        for name, content in pieces:
            yield (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(spoil(content))}\n\n".encode()
        yield end

    return Answer(kind="text/event-stream", pieces=written())


def answer(address: str, asked: Any) -> Answer:
    path = unquote(urlsplit(address).path)
    ends = [end for end in PATHS if path.endswith(end)]
    if not ends:
        return whole({"error": {"message": f"no shape for {path}"}}, 404)
    return PATHS[max(ends, key=len)](path, asked)


# OpenAI. 1,000 in, of which 400 came from a cache, 64 were written to one and 36 were audio; 50 out, of which 20 were
# for reasoning and 10 were audio.

CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 50,
    "total_tokens": 1050,
    "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 64, "audio_tokens": 36},
    "completion_tokens_details": {
        "reasoning_tokens": 20,
        "audio_tokens": 10,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
CHAT_TOKENS = {
    "input": 500,
    "cacheRead": 400,
    "cacheWrite30m": 64,
    "output": 40,
    "reasoning": 20,
    "audioIn": 36,
    "audioOut": 10,
}


def chat(path: str, asked: Any) -> Answer:
    model = asked.get("model") or path.split("/deployments/")[1].split("/", maxsplit=1)[0]
    if model == "broken":
        return whole({"error": {"message": "No: The secret question", "type": "invalid_request_error"}}, 400)
    if model == "gone":
        return whole({"error": {"message": "The model does not exist", "code": "model_not_found"}}, 404)
    if model == "old" and "stream_options" in asked:
        return whole({"error": {"message": "Unrecognized request argument supplied: stream_options"}}, 400)
    content = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{model}-2026-01-01",
        "service_tier": "flex",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": SECRET, "refusal": None},
            }
        ],
        "usage": CHAT_USAGE,
    }
    if asked.get("stream"):
        return events(chat_pieces(content, asked), b"data: [DONE]\n\n")
    return whole(content, **{"x-request-id": "req_1"})


def chat_pieces(content: dict[str, Any], asked: Any) -> Iterator[tuple[str, Any]]:
    has_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
    piece = {**content, "object": "chat.completion.chunk"}
    del piece["usage"]
    if has_usage:
        piece["usage"] = None
    for word in SECRET.split():
        delta = {"role": "assistant", "content": word}
        yield "", {**piece, "choices": [{"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}]}
    if content["model"].startswith("falling"):
        yield "", {"error": {"message": "fell over", "type": "server_error", "param": None, "code": None}}
        return
    yield "", {**piece, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}]}
    if has_usage:
        yield "", {**piece, "choices": [], "usage": CHAT_USAGE}


RESPONSE_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {
        "cached_tokens": 400,
        "cache_write_tokens": 64,
        "cache_write_tokens_details": {"ttl_30m_tokens": 40, "ttl_12h_tokens": 24},
    },
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 1050,
}
RESPONSE_TOKENS = {
    "input": 536,
    "cacheRead": 400,
    "cacheWrite30m": 40,
    "cacheWrite12h": 24,
    "output": 50,
    "reasoning": 20,
}


def response(path: str, asked: Any) -> Answer:
    is_retrieved = asked is None
    asked = asked or {"model": "gpt-5", "background": True}
    content = {
        "id": path.rsplit("/", 1)[1] if is_retrieved else "resp_1",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "queued" if asked.get("background") and not is_retrieved else "completed",
        "background": bool(asked.get("background")),
        "model": asked["model"],
        "service_tier": "default",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "output": [
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "The secret question"},
            },
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": SECRET, "annotations": []}],
            },
        ],
        "usage": RESPONSE_USAGE,
    }
    if content["status"] == "queued":
        return whole({**content, "usage": None, "output": []})
    if asked.get("stream"):
        begun = {**content, "status": "in_progress", "usage": None, "output": []}
        return events(
            [
                ("response.created", {"type": "response.created", "sequence_number": 0, "response": begun}),
                ("response.completed", {"type": "response.completed", "sequence_number": 1, "response": content}),
            ]
        )
    return whole(content)


def embedding(path: str, asked: Any) -> Answer:
    count = len(asked["input"]) if isinstance(asked["input"], list) else 1
    return whole(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": at, "embedding": [0.5, 0.25]} for at in range(count)],
            "model": asked["model"],
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }
    )


def image(path: str, asked: Any) -> Answer:
    content: dict[str, Any] = {"created": 1, "data": [{"b64_json": "AAAA"}, {"b64_json": "AAAA"}]}
    if asked["model"].startswith("gpt-image"):
        content["usage"] = {
            "input_tokens": 60,
            "input_tokens_details": {"text_tokens": 20, "image_tokens": 40},
            "output_tokens": 500,
            "total_tokens": 560,
        }
    return whole(content)


def transcription(path: str, asked: Any) -> Answer:
    if b"whisper-1" in asked["form"]:
        return whole({"text": SECRET, "usage": {"type": "duration", "seconds": 12.5}})
    return whole(
        {
            "text": SECRET,
            "usage": {
                "type": "tokens",
                "input_tokens": 114,
                "input_token_details": {"text_tokens": 14, "audio_tokens": 100},
                "output_tokens": 45,
                "total_tokens": 159,
            },
        }
    )


def speech(path: str, asked: Any) -> Answer:
    return Answer(kind="audio/mpeg", body=b"sound")


# Anthropic. Its input leaves out what a cache read and wrote.

MESSAGE_USAGE = {
    "input_tokens": 600,
    "cache_read_input_tokens": 300,
    "cache_creation_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 30},
    "output_tokens": 50,
    "output_tokens_details": {"thinking_tokens": 20},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    "service_tier": "standard",
}
MESSAGE_TOKENS = {
    "input": 600,
    "cacheRead": 300,
    "cacheWrite5m": 70,
    "cacheWrite1h": 30,
    "output": 50,
    "reasoning": 20,
}


def message(path: str, asked: Any) -> Answer:
    asked = {"model": "claude-haiku-4-5-20251001", **asked}
    if asked["model"] == "broken":
        return whole({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, 400)
    content = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [{"type": "text", "text": SECRET}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": MESSAGE_USAGE,
    }
    if not asked.get("stream"):
        return whole(content)
    return events((each["type"], each) for each in message_events(content))


def message_events(content: dict[str, Any]) -> list[dict[str, Any]]:
    content = {"id": "msg_1", "type": "message", "role": "assistant", "stop_sequence": None, **content}
    early = {**MESSAGE_USAGE, "output_tokens": 1, "output_tokens_details": None, "server_tool_use": None}
    begun = {**content, "content": [], "stop_reason": None, "usage": early}
    late = {name: MESSAGE_USAGE[name] for name in ("output_tokens", "output_tokens_details", "server_tool_use")}
    block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": SECRET}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": late},
        {"type": "message_stop"},
    ]


def batch(path: str, asked: Any) -> Answer:
    id = path.rsplit("/", 1)[1]
    is_over = id != "msgbatch_open"
    return whole(
        {
            "id": id,
            "type": "message_batch",
            "processing_status": "ended" if is_over else "in_progress",
            "created_at": "2026-09-21T12:00:00Z",
            "expires_at": "2026-09-22T12:00:00Z",
            "ended_at": "2026-09-21T14:13:20Z" if is_over else None,
            "results_url": f"/v1/messages/batches/{id}/results" if is_over else None,
            "request_counts": {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 0, "expired": 0},
        }
    )


def batch_results(path: str, asked: Any) -> Answer:
    content = {"type": "message", "role": "assistant", "model": "claude-haiku-4-5", "stop_reason": "end_turn"}
    content = {**content, "stop_sequence": None, "content": [{"type": "text", "text": SECRET}], "usage": MESSAGE_USAGE}
    error = {"type": "error", "error": {"type": "api_error", "message": "The secret question"}}
    lines: list[dict[str, Any]] = [
        {"custom_id": "a", "result": {"type": "succeeded", "message": {**content, "id": "msg_a"}}},
        {"custom_id": "b", "result": {"type": "errored", "error": error}},
        {"custom_id": "c", "result": {"type": "succeeded", "message": {**content, "id": "msg_c"}}},
    ]
    return Answer(kind="application/x-jsonl", body="".join(f"{json.dumps(line)}\n" for line in lines).encode())


PATHS: dict[str, Callable[[str, Any], Answer]] = {
    "/chat/completions": chat,
    "/responses": response,
    "/responses/resp_1": response,
    "/v1/messages": message,
    "/batches/msgbatch_1": batch,
    "/batches/msgbatch_open": batch,
    "/batches/msgbatch_1/results": batch_results,
    ":rawPredict": message,
    ":streamRawPredict": message,
    "/embeddings": embedding,
    "/images/generations": image,
    "/audio/transcriptions": transcription,
    "/audio/speech": speech,
}
