"""What models on Bedrock say of their usage: each maker's in its own words, and Bedrock's own in headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokentra_sdk.families.anthropic_messages import message_usage
from tokentra_sdk.families.openai import chat_usage
from tokentra_sdk.usage import Usage, count, get, present, told

HEADER = "x-amzn-bedrock-"


def converse(answer: Any) -> Usage:
    usage, tier = get(answer, "usage"), get(answer, "serviceTier", "type")
    if usage is None:
        return Usage(source="missing", **beside(answer, tier))
    return Usage(tokens=converse_tokens(usage), **beside(answer, tier))


def converse_tokens(usage: Any) -> dict[str, int]:
    """Disjoint already: what a cache read or wrote is not in `inputTokens`. Nova's own answers name it otherwise."""
    details = get(usage, "cacheDetails")
    hour = sum(count(each, "inputTokens") for each in details or () if get(each, "ttl") == "1h")
    written = count(usage, "cacheWriteInputTokens") or count(usage, "cacheWriteInputTokenCount")
    return present(
        {
            "input": count(usage, "inputTokens"),
            "cacheRead": count(usage, "cacheReadInputTokens") or count(usage, "cacheReadInputTokenCount"),
            "cacheWrite5m": max(written - hour, 0),
            "cacheWrite1h": hour,
            "output": count(usage, "outputTokens"),
        }
    )


def invoked(body: Mapping[str, Any], answer: Any) -> Usage:
    """What the body tells, in the words of whoever made the model; else what Bedrock tells beside it."""
    named = beside(answer, get(answer, "serviceTier"))
    drawn = body.get("images")
    if isinstance(drawn, (list, tuple)) and drawn:
        return Usage(units={"image": len(drawn)}, **named)
    tokens = tokens_of(body)
    if tokens is None:
        tokens = metrics_tokens(body.get(METRICS)) or headers_tokens(answer)
    return Usage(source="missing", **named) if tokens is None else Usage(tokens=tokens, **named)


def beside(answer: Any, tier: Any) -> dict[str, Any]:
    return {"request_id": told(get(answer, "ResponseMetadata", "RequestId")), "service_tier": told(tier)}


METRICS = "amazon-bedrock-invocationMetrics"


def tokens_of(body: Mapping[str, Any]) -> dict[str, int] | None:
    nova = get(body, "metadata", "usage")  # in its streams
    usage = body.get("usage") if nova is None else nova
    return tokens_of_usage(body, usage) or tokens_beside(body, usage)


def tokens_of_usage(body: Mapping[str, Any], usage: Any) -> dict[str, int] | None:
    if get(usage, "input_tokens") is not None:  # Anthropic's
        return message_usage(body, usage).tokens
    if get(usage, "inputTokens") is not None:  # Amazon Nova's
        return converse_tokens(usage)
    if get(usage, "prompt_tokens") is not None:  # Mistral's and others' that speak as OpenAI does
        return chat_usage(body, usage).tokens
    return None


def tokens_beside(body: Mapping[str, Any], usage: Any) -> dict[str, int] | None:
    for going_in, coming_out in (LLAMA, TITAN_STREAM):
        if body.get(going_in) is not None and body.get(coming_out) is not None:
            return {"input": count(body, going_in), "output": count(body, coming_out)}
    if body.get("inputTextTokenCount") is not None:  # Amazon Titan's
        results = body.get("results")
        out = sum(count(each, "tokenCount") for each in results) if isinstance(results, (list, tuple)) else 0
        return {"input": count(body, "inputTextTokenCount"), "output": out}
    billed = get(body, "meta", "billed_units") or get(usage, "billed_units")  # Cohere's
    if get(billed, "input_tokens") is not None:
        return {"input": count(billed, "input_tokens"), "output": count(billed, "output_tokens")}
    return None


# Of Llama's pieces each tells how much has come out until then, and only the first what went in.
LLAMA = ("prompt_token_count", "generation_token_count")
TITAN_STREAM = ("inputTextTokenCount", "totalOutputTextTokenCount")


def metrics_tokens(metrics: Any) -> dict[str, int] | None:
    """What the last piece of every stream tells."""
    if get(metrics, "inputTokenCount") is None:
        return None
    return present(
        {
            "input": count(metrics, "inputTokenCount"),
            "cacheRead": count(metrics, "cacheReadInputTokenCount"),
            "cacheWrite5m": count(metrics, "cacheWriteInputTokenCount"),
            "output": count(metrics, "outputTokenCount"),
        }
    )


def headers_tokens(answer: Any) -> dict[str, int] | None:
    headers = get(answer, "ResponseMetadata", "HTTPHeaders")
    if not isinstance(headers, Mapping) or f"{HEADER}input-token-count" not in headers:
        return None

    def number(name: str) -> int:
        said = str(headers.get(f"{HEADER}{name}-token-count") or "")
        return int(said) if said.isdigit() else 0

    return present(
        {
            "input": number("input"),
            "cacheRead": number("cache-read-input"),
            "cacheWrite5m": number("cache-write-input"),
            "output": number("output"),
        }
    )
