"""What Mistral, Cohere and Pinecone answer."""

from __future__ import annotations

import json
from typing import Any

import shapes
from shapes import SECRET, Answer, events, whole

PLAIN = {"input": 600, "output": 50}

# Mistral. 600 in, of which 100 came from a cache.

MISTRAL_USAGE = {
    "prompt_tokens": 600,
    "completion_tokens": 50,
    "total_tokens": 650,
    "prompt_tokens_details": {"cached_tokens": 100},
    "service_tier": "standard",
}
MISTRAL_TOKENS = {"input": 500, "cacheRead": 100, "output": 50}


def mistral(path: str, asked: Any) -> Answer:
    if asked.get("model") == "broken":
        return whole({"message": "No: The secret question", "type": "invalid", "object": "error"}, 400)
    content: dict[str, Any] = {"id": "cmpl-1", "object": "chat.completion", "created": 1, "model": "mistral-small-2506"}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": SECRET, "tool_calls": None}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return whole({**content, "choices": choices, "usage": MISTRAL_USAGE})
    choice = {"index": 0, "delta": {"role": "assistant", "content": SECRET}, "finish_reason": None}
    last = {**choice, "delta": {"content": ""}, "finish_reason": "stop"}
    pieces: list[Any] = [{**content, "choices": [choice]}, {**content, "choices": [last], "usage": MISTRAL_USAGE}]
    return events([("", piece) for piece in pieces], b"data: [DONE]\n\n")


def mistral_embeddings(path: str, asked: Any) -> Answer:
    usage = {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8}
    return whole({"id": "e1", "object": "list", "model": "mistral-embed", "data": [], "usage": usage})


CONVERSATION_USAGE = {
    "prompt_tokens": 188,
    "completion_tokens": 55,
    "total_tokens": 7355,
    "connector_tokens": 7112,
    "connectors": {"web_search": 1},
}
CONVERSATION_TOKENS = {"input": 7300, "output": 55}


def conversation(path: str, asked: Any) -> Answer:
    said = {
        "type": "message.output",
        "id": "m1",
        "role": "assistant",
        "model": "mistral-medium-2505",
        "content": SECRET,
    }
    if not asked.get("stream"):
        answer = {"object": "conversation.response", "conversation_id": "conv_1", "outputs": [said]}
        return whole({**answer, "usage": CONVERSATION_USAGE})
    return events(
        (each["type"], each)
        for each in (
            {"type": "conversation.response.started", "conversation_id": "conv_1"},
            {**said, "type": "message.output.delta", "output_index": 0, "content_index": 0},
            {"type": "conversation.response.done", "usage": CONVERSATION_USAGE},
        )
    )


def ocr(path: str, asked: Any) -> Answer:
    page = {"index": 0, "markdown": SECRET, "images": [], "dimensions": None}
    return whole({"pages": [page], "model": "mistral-ocr-2505", "usage_info": {"pages_processed": 3}})


# Cohere

BILLED = {
    "billed_units": {"input_tokens": 600, "output_tokens": 50},
    "tokens": {"input_tokens": 690, "output_tokens": 50},
}


def cohere_chat(path: str, asked: Any) -> Answer:
    if asked.get("model") == "broken":
        return whole({"message": "No: The secret question"}, 400)
    if "/v1/" in path:
        answer = {
            "generation_id": "g1",
            "response_id": "r1",
            "text": SECRET,
            "finish_reason": "COMPLETE",
            "meta": BILLED,
        }
        if not asked.get("stream"):
            return whole(answer)
        said: list[Any] = [
            {"event_type": "stream-start", "generation_id": "g1", "is_finished": False},
            {"event_type": "text-generation", "text": SECRET, "is_finished": False},
            {"event_type": "stream-end", "finish_reason": "COMPLETE", "is_finished": True, "response": answer},
        ]
        return Answer(kind="application/stream+json", pieces=[f"{json.dumps(each)}\n".encode() for each in said])
    message = {"role": "assistant", "content": [{"type": "text", "text": SECRET}]}
    if not asked.get("stream"):
        return whole({"id": "c1", "finish_reason": "COMPLETE", "message": message, "usage": BILLED})
    delta = {"message": {"content": {"text": SECRET}}}
    return events(
        (each["type"], each)
        for each in (
            {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}},
            {"type": "content-delta", "index": 0, "delta": delta},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": BILLED}},
        )
    )


def cohere_embed(path: str, asked: Any) -> Answer:
    meta = {"billed_units": {"input_tokens": 8 * len(asked["texts"])}}
    vectors = [[0.5]] * len(asked["texts"])
    if "/v1/" in path:
        kind = {"response_type": "embeddings_floats", "embeddings": vectors}
    else:
        kind = {"response_type": "embeddings_by_type", "embeddings": {"float": vectors}}
    return whole({"id": "e1", "texts": asked["texts"], "meta": meta, **kind})


def rerank(path: str, asked: Any) -> Answer:
    if "rank_fields" in asked:  # Pinecone's
        return whole({"model": asked["model"], "data": [], "usage": {"rerank_units": 1}})
    return whole({"id": "r1", "results": [], "meta": {"billed_units": {"search_units": 2}}})


# Pinecone

HEADERS = {"x-pinecone-request-id": "p-1"}


def query(path: str, asked: Any) -> Answer:
    if asked["topK"] == 999:
        return whole({"code": 3, "message": "No: The secret question", "details": []}, 400)
    return whole({"matches": [], "namespace": asked.get("namespace", ""), "usage": {"readUnits": 5}}, **HEADERS)


def fetch(path: str, asked: Any) -> Answer:
    return whole({"vectors": {}, "namespace": "", "usage": {"readUnits": 1}}, **HEADERS)


def upsert(path: str, asked: Any) -> Answer:
    return whole({"upsertedCount": len(asked["vectors"])}, **HEADERS)


def pinecone_embed(path: str, asked: Any) -> Answer:
    data = [{"vector_type": "dense", "values": [0.5]}]
    return whole({"model": asked["model"], "vector_type": "dense", "data": data, "usage": {"total_tokens": 8}})


shapes.PATHS.update(
    {
        "/mistral/v1/chat/completions": mistral,
        "/mistral/v1/fim/completions": mistral,
        "/mistral/v1/agents/completions": mistral,
        "/mistral/models/chat/completions": mistral,
        "/mistral/v1/embeddings": mistral_embeddings,
        "/mistral/v1/conversations": conversation,
        "/mistral/v1/conversations/conv_1": conversation,
        "/mistral/v1/ocr": ocr,
        "/v2/chat": cohere_chat,
        "/v1/chat": cohere_chat,
        "/v2/embed": cohere_embed,
        "/v1/embed": cohere_embed,
        "/embed": pinecone_embed,
        "/rerank": rerank,
        "/query": query,
        "/vectors/fetch": fetch,
        "/vectors/upsert": upsert,
    }
)
