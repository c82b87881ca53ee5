"""How libraries name what they measure: each one's attributes, and what its figures include. Pure, on one screen.

Our token classes are disjoint, those of most libraries are not: `input` tells all that went in, and what came from a
cache, or was audio, is a part of it. Where a library leaves cached tokens out of its figure, it is `apart`. `uncached`
is what it says went in besides, `text_out` what came out besides reasoning, and `total` all: by these it can be known.
"""

from dataclasses import dataclass

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Names of attributes; of several, the first that a span has. `marks` are those, or their beginnings, by which
    a span shows that it speaks this; `apart` are providers whose `input` leaves out what a cache read or wrote, or how
    a part of their names begins."""

    name: str
    marks: Names
    input: Names
    output: Names
    cache_read: Names = ()
    cache_write: Names = ()
    cache_write_1h: Names = ()  # the part of it that is kept for an hour
    reasoning: Names = ()
    audio_in: Names = ()
    audio_out: Names = ()
    image_in: Names = ()
    image_out: Names = ()
    cached_audio: Names = ()
    cached_image: Names = ()
    uncached: Names = ()
    text_out: Names = ()
    total: Names = ()
    apart: Names = ()
    provider: Names = ()
    model: Names = ()
    kind: Names = ()


GEN_AI = Dialect(  # OpenTelemetry's conventions, current names first; OpenLLMetry, LiteLLM and Anthropic speak them too
    "OpenTelemetry GenAI",
    marks=("gen_ai.", "llm.usage.", "llm.request.type"),
    # includes what a cache read and wrote, and every modality
    input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
    cache_read=(
        *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        *("gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_tokens"),
    ),
    cache_write=(
        *("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"),
        *("gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens"),
    ),
    cache_write_1h=("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    reasoning=(
        *("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        *("gen_ai.usage.output_tokens.reasoning", "llm.usage.reasoning_tokens"),
    ),
    audio_in=("gen_ai.usage.audio.input_tokens",),
    audio_out=("gen_ai.usage.audio.output_tokens",),
    image_in=("gen_ai.usage.image.input_tokens",),
    image_out=("gen_ai.usage.image.output_tokens",),
    cached_audio=("gen_ai.usage.audio.cache_read.input_tokens",),
    cached_image=("gen_ai.usage.image.cache_read.input_tokens",),
    total=("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    provider=("gen_ai.provider.name", "gen_ai.system"),
    model=("gen_ai.response.model", "gen_ai.request.model", "llm.response.model", "llm.request.model"),
    kind=("gen_ai.operation.name", "llm.request.type", "traceloop.span.kind"),
)
OPENINFERENCE = Dialect(
    "OpenInference",
    marks=("openinference.span.kind", "llm.token_count."),
    input=("llm.token_count.prompt",),  # includes what a cache read and wrote, and audio
    output=("llm.token_count.completion",),
    cache_read=("llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"),
    cache_write=("llm.token_count.prompt_details.cache_write",),
    reasoning=("llm.token_count.completion_details.reasoning",),
    audio_in=("llm.token_count.prompt_details.audio",),
    audio_out=("llm.token_count.completion_details.audio",),
    total=("llm.token_count.total",),
    provider=("llm.provider", "llm.system"),
    model=(
        *("llm.response.model_name", "llm.model_name", "llm.request.model_name"),
        *("embedding.model_name", "reranker.model_name"),
    ),
    kind=("openinference.span.kind",),
)
VERCEL = Dialect(
    "Vercel AI SDK",
    marks=("ai.operationId", "ai.model.id"),
    # includes what a cache read and wrote, but for those that are `apart`
    input=("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens", *GEN_AI.input),
    output=("ai.usage.outputTokens", "ai.usage.completionTokens", *GEN_AI.output),
    cache_read=("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens", *GEN_AI.cache_read),
    cache_write=("ai.usage.inputTokenDetails.cacheWriteTokens", *GEN_AI.cache_write),
    cache_write_1h=GEN_AI.cache_write_1h,
    reasoning=("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens", *GEN_AI.reasoning),
    uncached=("ai.usage.inputTokenDetails.noCacheTokens",),
    text_out=("ai.usage.outputTokenDetails.textTokens",),
    total=("ai.usage.totalTokens",),
    apart=("anthropic", "amazon-bedrock", "aws"),  # until version 5; `uncached` tells a later one
    provider=("ai.model.provider", *GEN_AI.provider),
    model=("ai.response.model", "ai.model.id", *GEN_AI.model),
    kind=("ai.operationId",),
)
NONE = Dialect("none", marks=(), input=(), output=())
DIALECTS = (VERCEL, OPENINFERENCE, GEN_AI)

# What a span is, by the value of its `kind` in small letters. Whatever tells of tokens is taken for a call besides.
CALLS = frozenset(
    (
        *("chat", "text_completion", "generate_content", "embeddings", "embedding", "completion", "rerank"),
        *("llm", "reranker", "responses", "acompletion", "aembedding", "atext_completion", "aresponses"),
        *("ai.generatetext.dogenerate", "ai.streamtext.dostream", "ai.generateobject.dogenerate"),
        *("ai.streamobject.dostream", "ai.embed.doembed", "ai.embedmany.doembed"),
    )
)
TOOLS = frozenset(("execute_tool", "tool", "ai.toolcall"))

# Whose call it was. First what the span says, then the spans above it in the same request, then its resource.
ATTRIBUTION: dict[str, Names] = {
    "customerId": ("customer.id", "metadata.user_api_key_end_user_id"),
    "userId": ("user.id", "enduser.id", "gen_ai.user", "llm.user", "metadata.user_api_key_user_id"),
    "feature": ("feature", "ai.telemetry.functionId", "gen_ai.workflow.name", "traceloop.workflow.name"),
    "team": ("team", "metadata.user_api_key_team_alias", "metadata.user_api_key_team_id"),
    "agent": ("gen_ai.agent.name", "agent.name"),
    "prompt": ("gen_ai.prompt.name", "traceloop.prompt.key", "prompt.id"),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "runId": ("run.id",),
    "tool": ("gen_ai.tool.name", "tool.name"),
    "project": ("service.name",),
    "costCenter": ("cost_center",),
    "purpose": (),
}
# Under these beginnings customers choose names of their own: those of ours are read as such, others become tags.
OWN_NAMES = ("tokentra.", "traceloop.association.properties.", "ai.telemetry.metadata.")
IS_TOTAL = "tokentra.is_total"  # true of a span that tells the sum of others; such sums cannot be known by numbers
KEPT_AS_TAGS = ("session.id", "gen_ai.conversation.id")

REQUEST_ID = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
SERVICE_TIER = (
    *("gen_ai.openai.response.service_tier", "openai.response.service_tier"),
    *("gen_ai.openai.request.service_tier", "openai.request.service_tier", "anthropic.response.service_tier"),
)
STREAMING = ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming")
FIRST_TOKEN_S = ("gen_ai.response.time_to_first_chunk",)
FIRST_TOKEN_MS = ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")
FIRST_TOKEN_MARKS = ("First Token Stream Event", "ai.stream.firstChunk")
PARAMETERS = ("llm.invocation_parameters", "embedding.invocation_parameters")  # JSON: the model of a failed call

# What people and models wrote stands under these beginnings. It is dropped and counted, never stored.
CONTENT = (
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.call."),
    *("gen_ai.system_instructions", "gen_ai.tool.definitions", "input.value", "output.value", "llm.input_messages"),
    *("llm.output_messages", "llm.prompts", "llm.completions", "llm.choices", "llm.prompt_template", "llm.tools"),
    *("llm.function_call", "traceloop.entity.input", "traceloop.entity.output", "traceloop.prompt.template"),
    *("ai.prompt", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.response.reasoning"),
    *("ai.result.", "ai.toolCall.args", "ai.toolCall.result", "ai.value", "ai.schema", "retrieval.documents"),
    *("embedding.embeddings", "reranker.", "document."),
)
NO_CONTENT = frozenset(("gen_ai.prompt.name", "gen_ai.prompt.version", "reranker.model_name", "ai.prompt.format"))
CONTENT_MARKS = ("gen_ai.content.", "gen_ai.user.", "gen_ai.system.", "gen_ai.assistant.", "gen_ai.tool.")
