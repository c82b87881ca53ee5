"""What real libraries send of calls to a model server on this machine, through the real exporter, is read right."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from types import SimpleNamespace

import anthropic
import openai
import pytest
from openinference.instrumentation.anthropic import AnthropicInstrumentor as OpenInferenceAnthropic
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInferenceOpenAI
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor as OpenLLMetryAnthropic
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor as OfficialAnthropic
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor as OfficialOpenAI
from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetryOpenAI
from opentelemetry.util.genai.handler import TelemetryHandler
from opentelemetry.util.genai.types import InputMessage, TextPart

from tests.usage.measuring.otlp.conftest import tracing
from tests.usage.measuring.otlp.model_server import ANSWER
from tests.usage.measuring.test_tracking import discards
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event

QUESTION = [{"role": "user", "content": "The secret question"}]
# gpt-4o-mini: 600 x 0.15 + 400 x 0.075 + 50 x 0.60 dollars a million
OPENAI = SimpleNamespace(input=600, cache_read=400, cache_write_5m=None, output=50, cost=Decimal("0.00015"))
# claude-haiku-4-5: 600 x 1 + 300 x 0.10 + 100 x 1.25 + 50 x 5 dollars a million
ANTHROPIC = SimpleNamespace(input=600, cache_read=300, cache_write_5m=100, output=50, cost=Decimal("0.001005"))


def ask_openai(url, **more):
    client = openai.OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0)
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, **more)
    if more.get("stream"):
        for _ in answer:
            pass


def ask_anthropic(url, **more):
    client = anthropic.Anthropic(api_key="none", base_url=url, max_retries=0)
    answer = client.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=QUESTION, **more)
    if more.get("stream"):
        for _ in answer:
            pass


LIBRARIES = {
    "opentelemetry-openai": (OfficialOpenAI, ask_openai, OPENAI),
    "opentelemetry-anthropic": (OfficialAnthropic, ask_anthropic, ANTHROPIC),
    "openllmetry-openai": (OpenLLMetryOpenAI, ask_openai, OPENAI),
    "openllmetry-anthropic": (OpenLLMetryAnthropic, ask_anthropic, ANTHROPIC),
    "openinference-openai": (OpenInferenceOpenAI, ask_openai, OPENAI),
    "openinference-anthropic": (OpenInferenceAnthropic, ask_anthropic, ANTHROPIC),
}


@contextmanager
def as_they_were(*packages: str) -> Iterator[None]:
    """Classes of these packages are the same afterwards: not every library takes back all that it changed in them."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] in packages]
    classes = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
    before = {each: dict(vars(each)) for each in classes if each.__module__.partition(".")[0] in packages}
    yield
    for each, held in before.items():
        for name in {*held, *vars(each)}:
            if name not in held:
                delattr(each, name)
            elif vars(each).get(name) is not held[name]:
                setattr(each, name, held[name])


@pytest.fixture
def instrumented(live_server, key, monkeypatch):
    """Run some code while a library watches, and answer what is held then."""

    def instrumented(library, acme, code):
        with tracing(live_server, key, monkeypatch) as provider:
            watching = library()
            with as_they_were("openai", "anthropic"):
                watching.instrument(tracer_provider=provider)
                try:
                    code()
                finally:
                    watching.uninstrument()
        with organization_scope(acme.pk):
            return list(Event.objects.order_by("occurred_at"))

    return instrumented


def told(kept):
    return SimpleNamespace(
        input=kept.input,
        cache_read=kept.cache_read,
        cache_write_5m=kept.cache_write_5m,
        output=kept.output,
        cost=kept.amount,
    )


@pytest.mark.parametrize("name", LIBRARIES)
def test_tokens_by_class_and_cost_are_right(name, acme, models, instrumented):
    library, ask, expected = LIBRARIES[name]

    [kept] = instrumented(library, acme, lambda: ask(models))

    assert told(kept) == expected
    assert kept.provider == name.rsplit("-", 1)[1]
    assert (kept.status, kept.basis, kept.project, kept.environment) == ("ok", "computed", "checkout", "production")
    assert kept.latency_ms is not None
    assert kept.latency_ms < 10_000
    assert (len(kept.ref), kept.run) == (48, kept.ref[:32])


@pytest.mark.parametrize("name", LIBRARIES)
def test_streams_are_read_like_whole_answers(name, acme, models, instrumented):
    library, ask, expected = LIBRARIES[name]
    more = {"stream_options": {"include_usage": True}} if ask is ask_openai else {}

    [kept] = instrumented(library, acme, lambda: ask(models, stream=True, **more))

    found = told(kept)
    if name == "openllmetry-anthropic":  # it adds up the output tokens of a stream's first and last event
        assert found.output == 51
    else:
        assert found == expected
    assert kept.is_streamed


@pytest.mark.parametrize("name", LIBRARIES)
def test_b42_what_was_asked_and_answered_is_dropped_and_counted(name, acme, models, instrumented, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")  # others do it unasked
    library, ask, _ = LIBRARIES[name]

    [kept] = instrumented(library, acme, lambda: ask(models))

    everything = repr([getattr(kept, field.attname) for field in Event._meta.concrete_fields])
    assert "secret" not in everything
    assert ANSWER not in everything
    assert discards(acme)["content"] >= 2


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_call_that_fails_is_kept_as_an_error_that_cost_nothing(name, acme, models, instrumented):
    library, ask, _ = LIBRARIES[name]
    client = openai if ask is ask_openai else anthropic

    def fail():
        with suppress(client.BadRequestError):
            if client is openai:
                openai.OpenAI(api_key="none", base_url=f"{models}/v1", max_retries=0).chat.completions.create(
                    model="broken", messages=QUESTION
                )
            else:
                anthropic.Anthropic(api_key="none", base_url=models, max_retries=0).messages.create(
                    model="broken", max_tokens=1, messages=QUESTION
                )

    [kept] = instrumented(library, acme, fail)

    assert (kept.status, kept.error_code, kept.amount, kept.model) == ("error", "BadRequestError", 0, "broken")


@pytest.mark.parametrize(("ttl", "cost"), [("5m", "0.001005"), ("1h", "0.00108")])  # 1.25 and 2 dollars a million
def test_what_anthropics_client_tells_by_itself(ttl, cost, acme, models, live_server, key, monkeypatch):
    """Without any instrumentation: it is the only one that says for how long a cache keeps what is written to it."""
    cached = [{"type": "text", "text": "The secret", "cache_control": {"type": "ephemeral", "ttl": ttl}}]
    with tracing(live_server, key, monkeypatch) as provider:
        telling = {"tracer_provider": provider, "traces": {"content_mode": "content"}}
        client = anthropic.Anthropic(api_key="none", base_url=models, max_retries=0, open_telemetry=telling)
        client.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=QUESTION, system=cached)
    with organization_scope(acme.pk):
        [kept] = Event.objects.all()

    assert (kept.input, kept.cache_read, kept.output, kept.service_tier) == (600, 300, 50, "default")
    assert (kept.cache_write_5m, kept.cache_write_1h) == ((100, None) if ttl == "5m" else (None, 100))
    assert (kept.amount, kept.basis) == (Decimal(cost), "computed")
    assert "secret" not in repr([getattr(kept, field.attname) for field in Event._meta.concrete_fields])
    assert discards(acme)["content"] >= 2


def test_the_official_library_for_generative_ai_is_read(acme, live_server, key, monkeypatch):
    """The one that OpenTelemetry's own instrumentations are made with, given what a client would give it."""
    with tracing(live_server, key, monkeypatch) as provider:
        handler = TelemetryHandler(tracer_provider=provider)
        with handler.invoke_local_agent(request_model="gpt-4o-mini", agent_name="planner") as agent:
            with handler.inference("openai", request_model="gpt-4o-mini") as call:
                call.input_messages = [InputMessage(role="user", parts=[TextPart("The secret question")])]
                call.response_model_name = "gpt-4o-mini"
                call.response_id = "chatcmpl-1"
                call.input_tokens, call.output_tokens, call.thinking_tokens = 1000, 50, 20
                call.data.usage_cache_read_input_tokens = 400
            agent.input_tokens, agent.output_tokens = 1000, 50
    with organization_scope(acme.pk):
        [kept] = Event.objects.all()  # the agent's span names no provider: it is no call

    assert told(kept) == OPENAI
    assert (kept.reasoning, kept.request_id, kept.agent) == (20, "chatcmpl-1", "planner")
