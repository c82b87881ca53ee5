"""What spans say is read by its names. Sets of attributes that no library here makes are recorded from its source."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.usage.measuring.otlp.conftest import SECOND, attribute, chat, now_ns, span
from usage.measuring.otlp import dialects
from usage.measuring.otlp.calls import Calls, shortened
from usage.measuring.otlp.spans import from_json
from usage.measuring.reading import Reader
from usage.measuring.tracking import made

ORGANIZATION = UUID(int=7)
LONG = "x" * 257


def events(*spans, resource=None):
    told = {"attributes": [attribute(name, value) for name, value in (resource or {}).items()]}
    body = {"resourceSpans": [{"resource": told, "scopeSpans": [{"spans": list(spans)}]}]}
    return made(Calls(from_json(json.dumps(body).encode())).events(), shortened).events


def read(*spans, **more):
    """As they are stored."""
    reader = Reader(ORGANIZATION, None, datetime.now(UTC) + timedelta(seconds=1))
    return [reader.read(event) for event in events(*spans, **more)]


def classes(read):
    tokens = {name: getattr(read.sent.tokens, name) for name in read.sent.tokens.__struct_fields__}
    return {name: count for name, count in tokens.items() if count}


VERCEL = {
    "operation.name": "ai.generateText.doGenerate",
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.model.id": "gpt-4o-mini",
    "ai.model.provider": "openai.chat",
    "ai.response.id": "chatcmpl-1",
    "ai.response.model": "gpt-4o-mini-2024-07-18",
    "ai.response.text": "The secret answer",
    "ai.prompt.messages": '[{"role": "user", "content": "The secret question"}]',
    "ai.telemetry.functionId": "answer-question",
    "ai.telemetry.metadata.customerId": "customer-7",
    "ai.telemetry.metadata.something": "custom",
    "gen_ai.system": "openai.chat",
    "gen_ai.request.model": "gpt-4o-mini",
}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (  # version 4
            {"ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 50, "gen_ai.usage.input_tokens": 1000},
            {"input": 1000, "output": 50},
        ),
        (  # version 5: of OpenAI the input includes what came from the cache
            {"ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 400,
             "ai.usage.reasoningTokens": 20},
            {"input": 600, "cache_read": 400, "output": 50, "reasoning": 20},
        ),
        (  # version 5: of Anthropic it does not
            {"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 600, "ai.usage.outputTokens": 50,
             "ai.usage.cachedInputTokens": 400},
            {"input": 600, "cache_read": 400, "output": 50},
        ),
        (  # version 6: it includes all, and says what is left without them
            {"ai.model.provider": "anthropic.messages", "ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 50,
             "ai.usage.inputTokenDetails.noCacheTokens": 600, "ai.usage.inputTokenDetails.cacheReadTokens": 300,
             "ai.usage.inputTokenDetails.cacheWriteTokens": 100},
            {"input": 600, "cache_read": 300, "cache_write_5m": 100, "output": 50},
        ),
        ({"ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 10}, {"input": 10}),
    ],
)  # fmt: skip
def test_the_vercel_ai_sdk(more, expected):
    """Recorded: content/docs/03-ai-sdk-core/60-telemetry.mdx and the telemetry of github.com/vercel/ai."""
    [kept] = read(span(1, VERCEL | more))

    assert classes(kept) == expected
    assert kept.sent.provider == ("anthropic" if "ai.model.provider" in more else "openai")
    assert (kept.sent.model, kept.sent.request_id) == ("gpt-4o-mini-2024-07-18", "chatcmpl-1")
    assert (kept.sent.customer_id, kept.sent.feature) == ("customer-7", "answer-question")
    assert kept.tags == {"something": "custom"}
    assert "secret" not in repr(kept)


ANSWERED = {  # what version 5 writes of an answer: of Anthropic on any platform, of Bedrock, of Gemini
    "anthropic": {"anthropic": {
        "usage": {"input_tokens": 1000, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 500,
                  "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 150},
                  "output_tokens": 50, "service_tier": "standard"},
        "cacheCreationInputTokens": 200, "stopSequence": None, "iterations": None, "container": None}},
    "anthropic 4": {"anthropic": {"cacheCreationInputTokens": 200, "cacheReadInputTokens": 500}},
    "bedrock": {"bedrock": {"usage": {"cacheWriteInputTokens": 200}, "stopSequence": None}},
    "openai 4": {"openai": {"reasoningTokens": 20, "cachedPromptTokens": 400}},
    "google": {"google": {
        "promptFeedback": None, "groundingMetadata": None, "safetyRatings": None,
        "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 50, "thoughtsTokenCount": 400,
                          "cachedContentTokenCount": 300, "totalTokenCount": 1450}}},
}  # fmt: skip
WRITTEN_OF = "ai.response.providerMetadata"


@pytest.mark.parametrize(
    ("provider", "answered", "more", "expected"),
    [
        (  # generateText of version 5 tells no more than this beside the answer
            "anthropic.messages", "anthropic", {"ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 50},
            {"input": 1000, "cache_read": 500, "cache_write_5m": 50, "cache_write_1h": 150, "output": 50},
        ),
        (  # streamText tells what was read, too
            "anthropic.messages", "anthropic",
            {"ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 500},
            {"input": 1000, "cache_read": 500, "cache_write_5m": 50, "cache_write_1h": 150, "output": 50},
        ),
        (  # generateObject of version 6 says the same, and what went in includes all of it
            "anthropic.messages", "anthropic", {"ai.usage.promptTokens": 1700, "ai.usage.completionTokens": 50},
            {"input": 1000, "cache_read": 500, "cache_write_5m": 50, "cache_write_1h": 150, "output": 50},
        ),
        (
            "anthropic.messages", "anthropic 4", {"ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 50},
            {"input": 1000, "cache_read": 500, "cache_write_5m": 200, "output": 50},
        ),
        (
            "amazon-bedrock", "bedrock",
            {"ai.usage.inputTokens": 1000, "ai.usage.outputTokens": 50, "ai.usage.cachedInputTokens": 500},
            {"input": 1000, "cache_read": 500, "cache_write_5m": 200, "output": 50},
        ),
        (
            "openai.chat", "openai 4", {"ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 50},
            {"input": 600, "cache_read": 400, "output": 50, "reasoning": 20},
        ),
        (  # thoughts stand apart from what came out until version 5
            "google.generative-ai", "google", {"ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 50},
            {"input": 700, "cache_read": 300, "output": 450, "reasoning": 400},
        ),
        (
            "google.vertex.chat", "google", {"ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 450},
            {"input": 700, "cache_read": 300, "output": 450, "reasoning": 400},
        ),
    ],
)  # fmt: skip
def test_what_a_provider_answered_tells_what_the_vercel_ai_sdk_leaves_out(provider, answered, more, expected):
    """Recorded: the language models of packages/anthropic, amazon-bedrock, openai and google of github.com/vercel/ai,
    and what packages/ai/src/generate-text writes of them, in versions 4.3.19, 5.0.244 and 6.0.264."""
    [kept] = read(span(1, VERCEL | more | {"ai.model.provider": provider, WRITTEN_OF: json.dumps(ANSWERED[answered])}))

    assert classes(kept) == expected


@pytest.mark.parametrize(
    "answered",
    [
        "", "{", "[1]", "null", "7", '"anthropic"', '{"anthropic": null}', '{"anthropic": {"usage": [1]}}', 7,
        '{"anthropic": {"cacheCreationInputTokens": -1}}', '{"anthropic": {"cacheCreationInputTokens": 1.5}}',
        '{"anthropic": {"cacheCreationInputTokens": true}}', '{"anthropic": {"cacheCreationInputTokens": 1e999}}',
        '{"anthropic": {"cacheCreationInputTokens": 1000000000001}}', "[" * 60_000,
        json.dumps(ANSWERED["anthropic"] | {"padding": "x" * 2**16}),
    ],
    ids=lambda answered: str(answered)[:60],
)  # fmt: skip
def test_an_answer_that_is_large_or_none_costs_nothing(answered):
    said = {"ai.model.provider": "anthropic.messages", "ai.usage.promptTokens": 1000, "ai.usage.completionTokens": 50}

    [kept] = read(span(1, VERCEL | said | {WRITTEN_OF: answered}))

    assert classes(kept) == {"input": 1000, "output": 50}


@pytest.mark.parametrize("provider", ["vertex.anthropic.messages", "googleVertex.anthropic.messages"])
def test_claude_on_vertex_leaves_cached_tokens_out_of_what_went_in(provider):
    """Recorded: google-vertex-anthropic-provider.ts of github.com/vercel/ai, versions 5.0.244 and 7.0.77."""
    said = {"ai.model.provider": provider, "ai.usage.inputTokens": 1000, "ai.usage.cachedInputTokens": 500}

    [kept] = read(span(1, VERCEL | said | {"ai.usage.outputTokens": 50}))

    assert classes(kept) == {"input": 1000, "cache_read": 500, "output": 50}
    assert kept.sent.provider == "google"


def test_claude_on_bedrocks_own_address_leaves_them_out_too():
    said = {"ai.model.provider": "bedrock.anthropic.messages", "ai.usage.inputTokens": 1000}

    [kept] = read(span(1, VERCEL | said | {"ai.usage.cachedInputTokens": 500, "ai.usage.outputTokens": 50}))

    assert classes(kept) == {"input": 1000, "cache_read": 500, "output": 50}
    assert kept.sent.provider == "aws"


GEMINI = {
    "ai.operationId": "ai.streamText.doStream", "ai.model.provider": "google.generative-ai",
    "ai.model.id": "gemini-2.5-flash", "ai.usage.inputTokens": 100, "ai.usage.outputTokens": 50,
    "ai.usage.reasoningTokens": 400,
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "output", "reasoning"),
    [
        (GEMINI | {"ai.usage.totalTokens": 550}, 450, 400),
        (GEMINI, 450, 400),
        (GEMINI | {"ai.usage.outputTokens": 500, "ai.usage.totalTokens": 1000}, 900, 400),
        (GEMINI | {"ai.usage.outputTokens": 500, "ai.usage.totalTokens": 600}, 500, 400),
        (GEMINI | {"ai.usage.outputTokens": 500, "ai.usage.totalTokens": -1}, 500, 400),
        (GEMINI | {"ai.usage.outputTokens": 500, "ai.usage.totalTokens": "all"}, 500, 400),
        (  # version 6 says what is left without them
            GEMINI | {"ai.usage.outputTokens": 450, "ai.usage.outputTokenDetails.textTokens": 50,
                      "ai.usage.outputTokenDetails.reasoningTokens": 400, "ai.usage.totalTokens": 550},
            450, 400,
        ),
        (  # version 6 around a provider's version 5
            GEMINI | {"ai.usage.outputTokens": 500, "ai.usage.totalTokens": 600, WRITTEN_OF: json.dumps(
                {"google": {"usageMetadata": {"candidatesTokenCount": 500, "thoughtsTokenCount": 400}}})},
            900, 400,
        ),
        (
            {"gen_ai.system": "gemini", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 500,
             "gen_ai.usage.reasoning_tokens": 400, "llm.usage.total_tokens": 1000, "gen_ai.request.model": "m"},
            900, 400,
        ),
        (
            {"llm.provider": "google", "llm.model_name": "m", "llm.token_count.prompt": 100,
             "llm.token_count.completion": 50, "llm.token_count.completion_details.reasoning": 400},
            450, 400,
        ),
        (  # all of what came out, but for ten tokens, was said aloud
            {"gen_ai.system": "openai", "gen_ai.usage.output_tokens": 100, "gen_ai.usage.audio.output_tokens": 90,
             "gen_ai.usage.reasoning.output_tokens": 20, "gen_ai.request.model": "gpt-4o-audio-preview"},
            10, 10,
        ),
        ({"gen_ai.system": "openai", "gen_ai.usage.reasoning_tokens": 7, "gen_ai.operation.name": "chat",
          "gen_ai.request.model": "m"}, 7, 7),
    ],
)  # fmt: skip
def test_reasoning_is_a_part_of_output_however_it_is_told(said, output, reasoning):
    """Recorded: google-generative-ai-language-model.ts of versions 5.0.244 and 6.0.264 of github.com/vercel/ai."""
    [kept] = read(span(1, said))

    assert (kept.sent.tokens.output, kept.sent.tokens.reasoning) == (output, reasoning)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"cache_read.input_tokens": 600, "audio.input_tokens": 800}, {"audio_in": 400, "cache_read": 600}),
        (
            {"cache_read.input_tokens": 600, "audio.input_tokens": 800, "audio.cache_read.input_tokens": 500},
            {"input": 100, "audio_in": 300, "cache_read": 600},
        ),
        (
            {"cache_read.input_tokens": 600, "audio.input_tokens": 300, "image.input_tokens": 300},
            {"audio_in": 300, "image_in": 100, "cache_read": 600},
        ),
        (
            {"cache_creation.input_tokens": 900, "audio.input_tokens": 300},
            {"audio_in": 100, "cache_write_5m": 900},
        ),
        ({"audio.input_tokens": 1200}, {"audio_in": 1000}),
    ],
)  # fmt: skip
def test_what_was_heard_and_came_from_a_cache_is_counted_once(said, expected):
    told = {"gen_ai.system": "google", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1000}

    [kept] = read(span(1, told | {f"gen_ai.usage.{name}": count for name, count in said.items()}))

    assert classes(kept) == expected
    assert sum(expected.values()) == 1000


def test_a_vercel_stream_tells_its_first_chunk():
    """Recorded as above."""
    said = span(1, VERCEL | {"ai.operationId": "ai.streamText.doStream", "ai.response.msToFirstChunk": 251.7})
    at = str(int(said["startTimeUnixNano"]) + SECOND // 4)
    marked = span(1, VERCEL, startTimeUnixNano=said["startTimeUnixNano"],
                  events=[{"name": "ai.stream.firstChunk", "timeUnixNano": at}])  # fmt: skip

    assert [kept.sent.time_to_first_token_ms for kept in read(said)] == [252]
    assert [(kept.sent.time_to_first_token_ms, kept.sent.streaming) for kept in read(marked)] == [(250, True)]


def test_litellm():
    """Recorded: set_attributes in litellm/integrations/opentelemetry.py of github.com/BerriAI/litellm."""
    said = {
        "metadata.user_api_key_hash": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "metadata.user_api_key_team_alias": "search",
        "metadata.user_api_key_user_id": "employee-3",
        "metadata.user_api_key_end_user_id": "customer-7",
        "hidden_params": "{}",
        "gen_ai.cost.total_cost": 0.00018,
        "gen_ai.request.model": "gpt-4o-mini",
        "llm.request.type": "acompletion",
        "gen_ai.system": "openai",
        "llm.is_streaming": "True",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.total_tokens": 1050,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.input.messages": "The secret question",
        "gen_ai.operation.name": "chat",
    }

    [kept] = read(span(1, said))

    assert classes(kept) == {"input": 1000, "output": 50}
    sent = kept.sent
    assert (sent.provider, sent.model, sent.streaming, sent.cost) == ("openai", "gpt-4o-mini-2024-07-18", True, None)
    assert (sent.customer_id, sent.user_id, sent.team) == ("customer-7", "employee-3", "search")
    assert kept.tags == {}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (  # as OpenTelemetry named them first
            {"gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 3},
            {"input": 7, "output": 3},
        ),
        (  # as OpenLLMetry did
            {"gen_ai.system": "OpenAI", "llm.request.type": "chat", "gen_ai.usage.prompt_tokens": 7,
             "gen_ai.usage.completion_tokens": 3, "llm.usage.total_tokens": 10,
             "gen_ai.usage.cache_read_input_tokens": 2},
            {"input": 5, "cache_read": 2, "output": 3},
        ),
        (  # where less went in than came from the cache, the one cannot include the other
            {"gen_ai.system": "anthropic", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 3,
             "gen_ai.usage.cache_read_input_tokens": 2000},
            {"input": 5, "cache_read": 2000, "output": 3},
        ),
        (  # audio and images are parts of both
            {"gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50,
             "gen_ai.usage.audio.input_tokens": 30, "gen_ai.usage.audio.cache_read.input_tokens": 10,
             "gen_ai.usage.cache_read.input_tokens": 15, "gen_ai.usage.audio.output_tokens": 20},
            {"input": 65, "cache_read": 15, "audio_in": 20, "output": 30, "audio_out": 20},
        ),
        (
            {"gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 100,
             "gen_ai.usage.cache_write.input_tokens": 60, "gen_ai.usage.output_tokens": 1},
            {"input": 40, "cache_write_30m": 60, "output": 1},
        ),
        (  # JavaScript has no whole numbers, and some send texts
            {"gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 7.0, "gen_ai.usage.output_tokens": "3"},
            {"input": 7, "output": 3},
        ),
        (
            {"openinference.span.kind": "LLM", "llm.system": "openai", "llm.model_name": "m",
             "llm.token_count.prompt": 100, "llm.token_count.prompt_details.audio": 30,
             "llm.token_count.completion": 9, "llm.token_count.completion_details.reasoning": 4},
            {"input": 70, "audio_in": 30, "output": 9, "reasoning": 4},
        ),
    ],
)  # fmt: skip
def test_tokens_are_parted_into_disjoint_classes(said, expected):
    [kept] = read(span(1, {"gen_ai.request.model": "m"} | said))

    assert classes(kept) == expected


def test_a_call_that_told_no_tokens_is_one_of_unknown_usage():
    [kept] = read(span(1, {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m"}))

    assert kept.sent.usage_source == "missing"


@pytest.mark.parametrize(
    ("said", "status"),
    [("openai.APITimeoutError", "timeout"), ("asyncio.CancelledError", "cancelled"), ("429", "error"), ("", "ok")],
)
def test_how_a_call_ended(said, status):
    [kept] = read(chat(1, attributes={"error.type": said} if said else {}))

    assert (kept.sent.status, kept.sent.error_code) == (status, said.rsplit(".", 1)[-1] or None)


def test_an_exception_names_an_error_that_has_no_type():
    failed = {
        "status": {"code": 2},
        "events": [{"name": "exception", "attributes": [attribute("exception.type", "RateLimitError")]}],
    }

    assert [(kept.sent.status, kept.sent.error_code) for kept in read(chat(1, **failed))] == [
        ("error", "RateLimitError")
    ]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("tokentra.customer_id", "customer_id"),
        ("tokentra.customerId", "customer_id"),
        ("tokentra.customer.id", "customer_id"),
        ("customer.id", "customer_id"),
        ("traceloop.association.properties.customer_id", "customer_id"),
        ("ai.telemetry.metadata.customerId", "customer_id"),
        ("user.id", "user_id"),
        ("enduser.id", "user_id"),
        ("traceloop.association.properties.user_id", "user_id"),
        ("tokentra.feature", "feature"),
        ("traceloop.workflow.name", "feature"),
        ("tokentra.team", "team"),
        ("gen_ai.agent.name", "agent"),
        ("tokentra.run_id", "run_id"),
        ("gen_ai.prompt.name", "prompt"),
        ("deployment.environment", "environment"),
        ("deployment.environment.name", "environment"),
        ("tokentra.cost_center", "cost_center"),
    ],
)
def test_whose_a_call_was_is_said_by_it_by_what_is_above_it_or_by_its_resource(name, field):
    vercel = dialects.VERCEL.marks[0] if name.startswith("ai.") else "x"
    by_itself = read(chat(1, attributes={name: "one"}))
    from_above = read(chat(2, below=1), span(1, {name: "one", vercel: "x"}))
    from_resource = read(chat(1), resource={name: "one"})
    nearest = read(chat(2, below=1, attributes={name: "two"}), span(1, {name: "one"}), resource={name: "three"})

    found = [getattr(kept.sent, field) for [kept] in (by_itself, from_above, from_resource, nearest)]
    assert found == ["one", "one", "one", "two"]


def test_what_customers_name_themselves_becomes_tags_and_nothing_else_does():
    said = {
        "tokentra.region": "eu", "traceloop.association.properties.plan": "gold", "session.id": "s-1",
        "gen_ai.conversation.id": "c-1", "metadata": '{"tier": "one", "customer_id": "customer-7"}',
        "server.address": "api.openai.com", "gen_ai.request.temperature": 0.5,
    }  # fmt: skip

    [kept] = read(chat(1, attributes=said))

    assert kept.tags == {
        "region": "eu", "plan": "gold", "session.id": "s-1", "gen_ai.conversation.id": "c-1", "tier": "one",
    }  # fmt: skip
    assert kept.sent.customer_id == "customer-7"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"user.id": LONG}, "userId"),
        ({"customer.id": LONG}, "customerId"),
        ({"metadata": json.dumps({"feature": LONG})}, "feature"),
        ({"tokentra.run_id": LONG}, "runId"),
        ({"gen_ai.response.id": LONG}, "requestId"),
        ({"gen_ai.openai.response.service_tier": LONG}, "serviceTier"),
        ({"gen_ai.operation.name": LONG}, "operation"),
    ],
)
def test_a_text_that_is_too_long_costs_no_call_and_is_kept_as_a_tag(said, name):
    reader = Reader(ORGANIZATION, None, datetime.now(UTC) + timedelta(seconds=1))

    [kept] = [reader.read(event) for event in events(chat(1, attributes=said))]

    assert classes(kept) == {"input": 100, "output": 10}
    assert kept.tags == {name: "x" * 255 + "…"}
    assert reader.discards == {"tag_cut": 1}


def test_a_service_with_a_long_name_costs_no_call_and_the_longest_that_fits_is_kept():
    [long] = read(chat(1), resource={"service.name": LONG})
    [fits] = read(chat(1, attributes={"user.id": LONG[1:]}), resource={"service.name": LONG[1:]})

    assert (long.sent.project, list(long.tags)) == (None, ["project"])
    assert (fits.sent.project, fits.sent.user_id, fits.tags) == (LONG[1:], LONG[1:], {})


def test_a_call_takes_its_ids_times_and_service_from_its_span():
    started = now_ns() - 5 * SECOND
    said = chat(1, below=9, startTimeUnixNano=str(started), endTimeUnixNano=str(started + 1_234_567_890))

    [kept] = read(said, resource={"service.name": "checkout"})
    [unnamed] = read(said, resource={"service.name": "unknown_service:python"})

    assert (kept.ref, kept.sent.run_id, kept.sent.parent_id) == (
        said["traceId"] + said["spanId"],
        said["traceId"],
        said["traceId"] + f"{9:016x}",
    )
    assert abs((kept.at - datetime.fromtimestamp(started / SECOND, UTC)).total_seconds()) < 0.001
    assert (kept.sent.latency_ms, kept.sent.project, unnamed.sent.project) == (1234, "checkout", None)


@pytest.mark.parametrize(("told", "kept"), [("chatcmpl-1", "chatcmpl-1"), (7, "7"), (0.5, "0.5")])
def test_the_id_of_an_answer_is_a_text_whatever_it_was_sent_as(told, kept):
    [call] = read(chat(1, attributes={"gen_ai.response.id": told}))

    assert call.sent.request_id == kept


def test_b42_what_was_written_is_counted_wherever_it_stands():
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [chat(1, attributes={
        "gen_ai.prompt.0.content": "x", "gen_ai.input.messages": "x", "input.value": "x", "gen_ai.prompt.name": "kept",
    }, events=[{"name": "gen_ai.user.message"}, {"name": "something else"}])]}]}]}  # fmt: skip
    calls = Calls(from_json(json.dumps(body).encode()))
    calls.events()

    assert calls.left_out == {"content": 4}
