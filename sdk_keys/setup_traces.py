"""The ways in for programs that are traced: OpenTelemetry, and LiteLLM by its callback."""

from accounts.http import absolute
from sdk_keys.setup_parts import UNKNOWN, VARIABLES, Block, Part, Setup
from sdk_keys.snippets import FROM_ENVIRONMENT

SCHEME = "Bearer"
FOR_THE_TEST = "The last one is for the test command alone."
TRACERS = (
    "python -m pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http "
    "opentelemetry-instrumentation-genai-openai"
)
TRACED = """\
from openai import OpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()

whom = {"customer.id": "customer-7", "feature": "search"}
with trace.get_tracer("shop").start_as_current_span("answer", attributes=whom):
    OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Hello!"}],
    )"""
LITELLM_NEEDS = "python -m pip install opentelemetry-api opentelemetry-sdk opentelemetry-exporter-otlp"
LITELLM = """\
import litellm

litellm.callbacks = ["otel"]

litellm.completion(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Hello!"}],
)"""
LITELLM_PROXY = """\
litellm_settings:
  callbacks: ["otel"]"""
SPAN = (
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"chat","kind":3,'
    '"startTimeUnixNano":"%s000000000","endTimeUnixNano":"%s000000000","attributes":['
    '{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},'
    '{"key":"gen_ai.provider.name","value":{"stringValue":"tokentra"}},'
    '{"key":"gen_ai.request.model","value":{"stringValue":"test-event"}},'
    '{"key":"gen_ai.usage.input_tokens","value":{"intValue":"0"}}]}]}]}]}'
)


def traces() -> str:
    return absolute("/v1/traces")


def exporting(key: str, *lines: str) -> tuple[Block, ...]:
    """The variables of an exporter, and the one that the test command reads."""
    every = (*lines, f'TOKENTRA_API_KEY="{key or UNKNOWN}"')
    return (Block("\n".join(f"export {line}" for line in every), "Copy variables", has_key=bool(key)),)


def test_span(key: str) -> Block:
    """A span of a test event by curl; the shell makes its ids and its time."""
    ids = "$(openssl rand -hex 16)", "$(openssl rand -hex 8)", "$(date +%s)", "$(date +%s)"
    return Block(
        f"curl {traces()} \\\n"
        f'  -H "Authorization: Bearer {key or FROM_ENVIRONMENT}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d @- <<END\n{SPAN % ids}\nEND",
        "Copy test command",
        has_key=bool(key),
    )


def opentelemetry(key: str) -> Setup:
    return Setup(
        "opentelemetry",
        "OpenTelemetry",
        "OTLP over HTTP",
        Part(
            "Install what traces your calls",
            "Nothing, where your code traces its model calls already. For a Python program that does not yet, from "
            "your own registry:",
            (Block(TRACERS, "Copy pip command", words="pip"),),
        ),
        Part(
            "Point the exporter here",
            f"{VARIABLES} {FOR_THE_TEST}",
            exporting(
                key,
                f'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="{traces()}"',
                f'OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization={SCHEME}%20{key or UNKNOWN}"',
                'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf"',
            ),
        ),
        Part(
            "Trace your calls",
            "Nothing changes where they are traced already. The guide lists the attributes that say for whom they are.",
            (Block(TRACED, "Copy code", "python"),),
        ),
        Part(
            "Run your program, or send a test span",
            "The span names no real model and costs nothing.",
            (test_span(key),),
        ),
    )


def litellm(key: str) -> Setup:
    """Its headers are sent as they stand; without a span of its own, each call overwrites the one before it."""
    return Setup(
        "litellm",
        "LiteLLM",
        "its callback otel",
        Part(
            "Install what its callback needs",
            "From your own registry, beside LiteLLM.",
            (Block(LITELLM_NEEDS, "Copy pip command", words="pip"),),
        ),
        Part(
            "Point the callback here",
            f"{VARIABLES} {FOR_THE_TEST}",
            exporting(
                key,
                'OTEL_EXPORTER="otlp_http"',
                f'OTEL_ENDPOINT="{traces()}"',
                f'OTEL_HEADERS="Authorization={SCHEME} {key or UNKNOWN}"',
                'USE_OTEL_LITELLM_REQUEST_SPAN="true"',
            ),
        ),
        Part(
            "Turn the callback on",
            "In your code, or in the proxy's configuration.",
            (
                Block(LITELLM, "Copy code", "python", words="Python"),
                Block(LITELLM_PROXY, "Copy configuration", "yaml", words="Proxy"),
            ),
        ),
        Part(
            "Make a call through LiteLLM, or send a test span",
            "The span names no real model and costs nothing.",
            (test_span(key),),
        ),
    )
