"""What the tests of OpenTelemetry share: a key, a tracer that exports for real, and spans made in a line."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from accounts.models import Organization
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.otlp import model_server
from usage.measuring import tracking

TRACES = "/v1/traces"
SECOND = 1_000_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def key(acme: Organization) -> str:
    tracking.forget()
    return issued(acme, "ingest").clear


@pytest.fixture
def models() -> Iterator[str]:
    with model_server.serving() as url:
        yield url


@contextmanager
def tracing(live_server: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """Spans end up at the server, sent by the real exporter as its documentation sets it up."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{live_server.url}{TRACES}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "Authorization=" + f"Bearer%20{key}")
    resource = Resource({"service.name": "checkout", "deployment.environment.name": "production"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield provider
        assert provider.force_flush()
    finally:
        provider.shutdown()
        os.environ.pop("OTEL_EXPORTER_OTLP_TRACES_HEADERS", None)


def now_ns() -> int:
    return int(datetime.now(UTC).timestamp() * SECOND)


def attribute(name: str, value: Any) -> dict[str, Any]:
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {"key": name, "value": {kind: str(value) if kind == "intValue" else value}}


def span(number: int, attributes: dict[str, Any], *, below: int = 0, trace: str = TRACE, **more: Any) -> dict[str, Any]:
    """As OTLP's JSON has it; `below` is the number of the span that it is a part of."""
    ended = now_ns() - number * SECOND
    said = {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "name": f"span {number}",
        "startTimeUnixNano": str(ended - SECOND),
        "endTimeUnixNano": str(ended),
        "attributes": [attribute(name, value) for name, value in attributes.items()],
    }
    return said | ({"parentSpanId": f"{below:016x}"} if below else {}) | more


def chat(number: int, *, below: int = 0, put: int = 100, got: int = 10, **more: Any) -> dict[str, Any]:
    """A call as the semantic conventions have it."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": put,
        "gen_ai.usage.output_tokens": got,
    }
    return span(number, attributes | more.pop("attributes", {}), below=below, **more)


@pytest.fixture
def export(key: str) -> Callable[..., HttpResponse]:
    """Send spans in JSON, as one request."""

    def export(*spans: dict[str, Any], resource: dict[str, Any] | None = None) -> HttpResponse:
        told = {"attributes": [attribute(name, value) for name, value in (resource or {}).items()]}
        body = {"resourceSpans": [{"resource": told, "scopeSpans": [{"spans": list(spans)}]}]}
        return Client().post(
            TRACES, json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )

    return export
