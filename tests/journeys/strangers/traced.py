"""A shop's own program, as somebody else wrote it: OpenAI's and Anthropic's clients, watched by OpenTelemetry.

It knows nothing of where its spans go: addresses and keys are in the environment, as each library's documentation has
it. For whom each call is, it says in attributes of its own spans.
"""

import json
import sys

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
tracer = trace.get_tracer("shop")


def chat(question: str) -> str:
    answer = openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
    )
    return answer.choices[0].message.content


def think(question: str) -> str:
    answer = anthropic.Anthropic().messages.create(
        model="claude-haiku-4-5", max_tokens=100, messages=[{"role": "user", "content": question}]
    )
    return answer.content[0].text


def serve(customer: str, agent: str, feature: str, questions: int) -> str:
    """One request of a customer; the name of its trace."""
    about = {"customer.id": customer, "gen_ai.agent.name": agent, "feature": feature}
    with tracer.start_as_current_span("POST /answer", attributes=about) as span:
        think("What does this customer want?")
        for number in range(questions):
            chat(f"Question {number}?")
        return trace.format_trace_id(span.get_span_context().trace_id)


runs = {customer: serve(customer, *rest) for customer, *rest in json.load(sys.stdin)}
trace.get_tracer_provider().shutdown()
print(json.dumps(runs))
