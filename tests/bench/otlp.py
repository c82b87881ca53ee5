"""The same calls as OpenTelemetry's spans in protobuf and as events in JSON, through the whole product.

A span always belongs to a trace, which is a run; events name one where their code knows it. So JSON is sent both ways.
"""

import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.bench import calls, driving, ingest
from tests.bench.figures import Figure
from tests.product import Product

TRACES = "/v1/traces"
BATCH, ROUNDS, EVENTS = 100, 5, 30_000  # a second or two a round, of which the end is a small part
NAMES = {
    "provider": "gen_ai.provider.name",
    "model": "gen_ai.request.model",
    "operation": "gen_ai.operation.name",
    "customerId": "tokentra.customerId",
    "userId": "user.id",
    "feature": "tokentra.feature",
    "environment": "deployment.environment.name",
    "streaming": "gen_ai.request.stream",
    "errorCode": "error.type",
}
COUNTS = {
    "cacheRead": "gen_ai.usage.cache_read.input_tokens",
    "cacheWrite5m": "gen_ai.usage.cache_creation.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with Product(directory / "var") as product:
        owner = product.bootstrap()
        headers = ingest.key_of(owner)
        as_spans = headers | {"Content-Type": "application/x-protobuf"}
        story = calls.calls(3 * (ROUNDS + 1) * EVENTS, until=datetime.now(UTC) - timedelta(minutes=5))
        ways = {
            "JSON": (ingest.TRACK, headers, driving.body),
            "JSON with runs": (ingest.TRACK, headers, with_runs),
            "OTLP protobuf": (TRACES, as_spans, protobuf),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS + 1):
            for name, (path, told, written) in ways.items():
                bodies = [written(part) for part in ingest.parts(ingest.take(story, EVENTS), BATCH)]
                driven, _ = ingest.measured(owner, product, told, bodies, path=path)
                rates[name].append(EVENTS / driven.seconds)
        for found in rates.values():
            del found[0]  # of the round that warms up
        for name, found in rates.items():
            yield Figure(f"{name}, batch {BATCH}, {ingest.CLIENTS} clients", statistics.median(found), "events/s")
        for name, goal in (("JSON", 0.5), ("JSON with runs", None)):
            # of the same round: a machine's speed changes between them more than the code does
            each = [spans / events for spans, events in zip(rates["OTLP protobuf"], rates[name], strict=True)]
            yield Figure(f"OTLP protobuf over {name}, batch {BATCH}", statistics.median(each), "x", at_least=goal)


def with_runs(events: Sequence[dict[str, Any]]) -> bytes:
    return driving.body([event | {"runId": UUID(event["id"]).hex} for event in events])


def protobuf(events: Sequence[dict[str, Any]]) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add().scope_spans.add()
    for event in events:
        ended = int(datetime.fromisoformat(event["occurredAt"]).timestamp() * 1000) + event["latencyMs"]
        id = UUID(event["id"]).bytes
        span = group.spans.add(name="chat", trace_id=id, span_id=id[8:])
        span.start_time_unix_nano = (ended - event["latencyMs"]) * 10**6
        span.end_time_unix_nano = ended * 10**6
        tokens = event["tokens"]
        said = {told: event[name] for name, told in NAMES.items() if name in event} | event["tags"]
        said["gen_ai.usage.input_tokens"] = sum(tokens.get(name, 0) for name in ("input", "cacheRead", "cacheWrite5m"))
        said |= {told: tokens[name] for name, told in COUNTS.items() if name in tokens}
        for name, value in said.items():
            attribute = span.attributes.add(key=name)
            if isinstance(value, bool):
                attribute.value.bool_value = value
            elif isinstance(value, int):
                attribute.value.int_value = value
            else:
                attribute.value.string_value = value
        if event["status"] != "ok":
            span.status.code = 2
    written: bytes = request.SerializeToString()
    return written
