"""A client of each family, and a call of it, whole and streamed; what it answers stands in the shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anthropic
import boto3
import botocore.session
import cohere
import openai
import pinecone
from google import genai

import shapes
import shapes_bedrock as bedrock
import shapes_google as google
import shapes_others as others

try:
    from mistralai.client import Mistral
except ImportError:  # until version 1
    from mistralai import Mistral

QUESTION = [{"role": "user", "content": "The secret question"}]


def conversed() -> dict[str, Any]:
    """Earlier versions of boto3 leave out of an answer for how long a cache keeps what was written to it."""
    usage = botocore.session.get_session().get_service_model("bedrock-runtime").shape_for("TokenUsage").members
    tokens = dict(bedrock.CONVERSE_TOKENS)
    if "cacheReadInputTokens" not in usage:
        return {"input": tokens["input"], "output": tokens["output"]}
    if "cacheDetails" not in usage:
        tokens["cacheWrite5m"] += tokens.pop("cacheWrite1h")
    return tokens


@dataclass(frozen=True)
class Family:
    """`make` takes the address of the models; `call` answers what a program would see, as a text."""

    make: Callable[[str], Any]
    call: Callable[[Any], str]
    told: tuple[dict[str, Any], ...]  # of each event that one call comes to: its tokens, or its units


def openai_call(client: Any) -> str:
    said = {"model": "gpt-4o-mini", "messages": QUESTION}
    whole = client.chat.completions.create(**said)
    pieces = list(client.chat.completions.create(**said, stream=True))
    return f"{whole} {pieces}"


def anthropic_call(client: Any) -> str:
    said = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": QUESTION}
    return f"{client.messages.create(**said)} {list(client.messages.create(**said, stream=True))}"


def bedrock_call(client: Any) -> str:
    nova, claude = "us.amazon.nova-lite-v1:0", "anthropic.claude-v1:0"
    asked = [{"role": "user", "content": [{"text": "The secret question"}]}]
    whole = client.converse(modelId=nova, messages=asked)
    whole.pop("ResponseMetadata")
    pieces = list(client.converse_stream(modelId=nova, messages=asked)["stream"])
    body = client.invoke_model(modelId=claude, body="{}")["body"].read()
    chunks = list(client.invoke_model_with_response_stream(modelId=claude, body="{}")["body"])
    return f"{whole} {pieces} {json.loads(body)} {chunks}"


def google_call(client: Any) -> str:
    said = {"model": "gemini-2.5-flash", "contents": "The secret question"}
    answers = [client.models.generate_content(**said), *client.models.generate_content_stream(**said)]
    return " ".join(answer.model_dump_json(exclude={"sdk_http_response"}) for answer in answers)


def mistral_call(client: Any) -> str:
    said = {"model": "mistral-small-latest", "messages": QUESTION}
    return f"{client.chat.complete(**said)} {list(client.chat.stream(**said))}"


def cohere_call(client: Any) -> str:
    said = {"model": "command-a-03-2025", "messages": QUESTION}
    ranked = client.rerank(model="rerank-v3.5", query="The secret question", documents=["The secret"])
    return f"{client.chat(**said)} {list(client.chat_stream(**said))} {ranked}"


def pinecone_call(index: Any) -> str:
    found, written = index.query(vector=[0.5], top_k=3), index.upsert(vectors=[("a", [0.5])])
    return f"{found.matches} {found.usage} {written.upserted_count}"


FAMILIES: Mapping[str, Family] = {
    "openai": Family(
        lambda url: openai.OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0),
        openai_call,
        (shapes.CHAT_TOKENS,) * 2,
    ),
    "anthropic": Family(
        lambda url: anthropic.Anthropic(api_key="none", base_url=url, max_retries=0),
        anthropic_call,
        (shapes.MESSAGE_TOKENS,) * 2,
    ),
    "bedrock": Family(
        lambda url: boto3.client(
            "bedrock-runtime",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        ),
        bedrock_call,
        (conversed(), conversed(), shapes.MESSAGE_TOKENS, shapes.MESSAGE_TOKENS),
    ),
    "google": Family(
        lambda url: genai.Client(api_key="none", http_options={"base_url": url}), google_call, (google.TOKENS,) * 2
    ),
    "mistral": Family(
        lambda url: Mistral(api_key="none", server_url=f"{url}/mistral"), mistral_call, (others.MISTRAL_TOKENS,) * 2
    ),
    "cohere": Family(
        lambda url: cohere.ClientV2(api_key="none", base_url=url),
        cohere_call,
        ({"search": 2}, others.PLAIN, others.PLAIN),
    ),
    "pinecone": Family(
        lambda url: pinecone.Pinecone(api_key="none").Index(host=url), pinecone_call, ({"read_unit": 5}, {})
    ),
}
