"""What Gemini answers, by Google's own API and by Vertex."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapes
from shapes import SECRET, Answer, events, whole

# 1,000 in, of which 100 were audio and 60 an image, and 400 of it came from a cache, 40 of them audio; 5 more of a
# tool's. 30 out, of which 10 were an image, and 20 thoughts on top.
USAGE = {
    "promptTokenCount": 1000,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 840},
        {"modality": "AUDIO", "tokenCount": 100},
        {"modality": "IMAGE", "tokenCount": 60},
    ],
    "cachedContentTokenCount": 400,
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 360}, {"modality": "AUDIO", "tokenCount": 40}],
    "toolUsePromptTokenCount": 5,
    "candidatesTokenCount": 30,
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "IMAGE", "tokenCount": 10}],
    "thoughtsTokenCount": 20,
    "totalTokenCount": 1055,
}
TOKENS = {
    "input": 485,
    "cacheRead": 400,
    "output": 40,
    "reasoning": 20,
    "audioIn": 60,
    "imageIn": 60,
    "imageOut": 10,
}


def content(path: str, asked: Any) -> dict[str, Any]:
    usage = {**USAGE, "trafficType": "ON_DEMAND_FLEX"} if "/publishers/" in path else USAGE
    parts: list[dict[str, Any]] = [{"text": SECRET}]
    if asked.get("tools") and len(asked["contents"]) == 1:
        parts = [{"functionCall": {"name": "look_up", "args": {"word": "secret"}}}]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": "STOP"}],
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
        "usageMetadata": usage,
    }


def generate(path: str, asked: Any) -> Answer:
    if "broken" in path:
        return whole({"error": {"code": 400, "message": "No: The secret question", "status": "INVALID_ARGUMENT"}}, 400)
    return whole(content(path, asked), **{"x-gemini-service-tier": "standard"})


def generate_stream(path: str, asked: Any) -> Answer:
    def pieces() -> Iterator[tuple[str, Any]]:
        last = content(path, asked)
        begun = {**last, "candidates": [{**last["candidates"][0], "finishReason": None}], "usageMetadata": None}
        early = {**begun, "usageMetadata": {"promptTokenCount": 1000, "totalTokenCount": 1000}}
        yield "", early if "tells-early" in path else begun
        if "falling" in path:
            yield "", {"error": {"code": 500, "message": "The secret answer fell over", "status": "INTERNAL"}}
            return
        yield "", last

    return generate(path, asked) if "broken" in path else events(pieces())


def embed(path: str, asked: Any) -> Answer:
    return whole({"embeddings": [{"values": [0.5]}]})


def predict(path: str, asked: Any) -> Answer:
    if "imagen" in path:
        return whole({"predictions": [{"bytesBase64Encoded": "AAAA", "mimeType": "image/png"}] * 2})
    told = {"values": [0.5], "statistics": {"token_count": 4, "truncated": False}}
    return whole({"predictions": [{"embeddings": told}] * len(asked["instances"])})


shapes.PATHS.update(
    {
        ":generateContent": generate,
        ":streamGenerateContent": generate_stream,
        ":batchEmbedContents": embed,
        ":predict": predict,
    }
)
