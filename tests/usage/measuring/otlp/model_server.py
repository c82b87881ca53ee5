"""A server on this machine that answers as OpenAI and Anthropic do, with usage that the asker chooses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

# 1,000 in, of which 400 came from a cache; 50 out, of which 20 were for reasoning.
OPENAI_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 50,
    "total_tokens": 1050,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 0},
}
# 600 in, 300 read from a cache and 100 written to one beside them: Anthropic's classes are disjoint.
ANTHROPIC_USAGE = {
    "input_tokens": 600,
    "cache_read_input_tokens": 300,
    "cache_creation_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 50,
    "service_tier": "standard",
}
FOR_AN_HOUR = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100}
ANSWER = "The secret answer"


def chat(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "service_tier": "default",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, "logprobs": None}],
        "usage": OPENAI_USAGE,
    }


def chat_stream(model: str) -> Iterator[tuple[str, dict[str, Any]]]:
    whole = chat(model) | {"object": "chat.completion.chunk"}
    del whole["usage"]
    for word in ANSWER.split():
        yield "", whole | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": word}}]}
    yield "", whole | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield "", whole | {"choices": [], "usage": OPENAI_USAGE}


def message(model: str, *, cached_for_an_hour: bool = False) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE | ({"cache_creation": FOR_AN_HOUR} if cached_for_an_hour else {}),
    }


def message_stream(model: str) -> Iterator[tuple[str, dict[str, Any]]]:
    whole = message(model) | {"content": [], "stop_reason": None, "usage": ANTHROPIC_USAGE | {"output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": whole}
    yield (
        "content_block_start",
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    )
    for word in ANSWER.split():
        delta = {"type": "text_delta", "text": word}
        yield "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 50}}
    yield "message_stop", {"type": "message_stop"}


class Model(BaseHTTPRequestHandler):
    """Answers a model called `broken` with an error."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        model, is_openai = asked["model"], self.path.endswith("/chat/completions")
        if model == "broken":
            self._answer({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, status=400)
        elif asked.get("stream"):
            self._stream(chat_stream(model) if is_openai else message_stream(model), ends_with_mark=is_openai)
        elif is_openai:
            self._answer(chat(model))
        else:
            self._answer(message(model, cached_for_an_hour='"ttl":"1h"' in json.dumps(asked, separators=(",", ":"))))

    def _answer(self, content: dict[str, Any], *, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: Iterator[tuple[str, dict[str, Any]]], *, ends_with_mark: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for name, content in events:
            self.wfile.write((f"event: {name}\n" if name else "").encode())
            self.wfile.write(f"data: {json.dumps(content)}\n\n".encode())
        if ends_with_mark:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    """The address under which it answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
