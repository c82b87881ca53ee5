"""Whatever is sent as spans is answered, never with 500, and what was good beside it is kept."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.usage.measuring.otlp.conftest import chat, now_ns
from tests.usage.measuring.otlp.test_otlp_door import in_json, post
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring.otlp import dialects

NAMES = st.sampled_from(
    sorted(
        {*dialects.GEN_AI.input, *dialects.GEN_AI.output, *dialects.GEN_AI.kind, *dialects.GEN_AI.provider}
        | {*dialects.GEN_AI.model, *dialects.VERCEL.input, *dialects.OPENINFERENCE.input, "metadata", "ai.operationId"}
        | {"openinference.span.kind", "llm.invocation_parameters", "error.type", "customer.id", "tokentra.x"}
        | {*dialects.FIRST_TOKEN_S, *dialects.SERVICE_TIER, *dialects.STREAMING, *dialects.CONTENT}
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["chat", "LLM", "{"])
)
VALUES = st.dictionaries(
    st.sampled_from(["stringValue", "intValue", "doubleValue", "boolValue", "arrayValue", "kvlistValue"]),
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4),
    max_size=2,
)
ATTRIBUTES = st.lists(st.fixed_dictionaries({"key": NAMES, "value": VALUES | SCALARS}), max_size=8)
IDS = (
    SCALARS
    | st.text("0123456789abcdef", min_size=32, max_size=32)
    | st.text("0123456789abcdef", min_size=16, max_size=16)
)
SPANS = st.fixed_dictionaries(
    {"traceId": IDS, "spanId": IDS},
    optional={
        "parentSpanId": IDS,
        "startTimeUnixNano": SCALARS | st.just(str(now_ns())),
        "endTimeUnixNano": SCALARS,
        "attributes": ATTRIBUTES | SCALARS,
        "events": st.lists(st.fixed_dictionaries({"name": SCALARS, "timeUnixNano": SCALARS}), max_size=2) | SCALARS,
        "status": st.fixed_dictionaries({"code": SCALARS}) | SCALARS,
    },
)
CHUNK = {"key": dialects.FIRST_TOKEN_S[0], "value": {"intValue": 10**400}}  # which no float holds
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@example(spans=[{"traceId": float("nan")}])
@example(spans=[{"traceId": "\ud800"}])
@example(spans=[chat(2) | {"attributes": [*chat(2)["attributes"], CHUNK]}])
@given(spans=st.lists(SPANS | SCALARS, max_size=4))
def test_b28_b40_strange_spans_cost_no_other(spans, acme, key):
    good = chat(1, trace=f"{now_ns():032x}")

    answer = post(key, in_json(*spans, good), "application/json")

    assert answer.status_code == 200
    with organization_scope(acme.pk):
        assert Event.objects.filter(ref=good["traceId"] + good["spanId"]).exists()


@MANY
@given(
    body=st.binary(min_size=1, max_size=200) | st.text(min_size=1, max_size=50).map(str.encode),
    kind=st.sampled_from(["json", "x-protobuf"]),
)
def test_b27_b40_whatever_comes_is_answered(body, kind, key):
    assert post(key, body, f"application/{kind}").status_code in (200, 400)


@MANY
@given(
    values=st.dictionaries(NAMES, st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=9), max_size=6),
    ids=st.tuples(st.binary(max_size=17), st.binary(max_size=9)),
    times=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
)
def test_b40_any_numbers_and_ids_in_protobuf_are_answered(values, ids, times, key):
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    (span.trace_id, span.span_id), (span.start_time_unix_nano, span.end_time_unix_nano) = ids, times
    for name, value in {"gen_ai.operation.name": "chat", **values}.items():
        kind = {int: "int_value", float: "double_value", str: "string_value"}[type(value)]
        setattr(span.attributes.add(key=name).value, kind, value)

    assert post(key, request.SerializeToString(), "application/x-protobuf").status_code == 200


DEEP = b'{"arrayValue":{"values":[' * 5000 + b'{"stringValue":"x"}' + b"]}}" * 5000


@pytest.mark.parametrize("value", [DEEP, b"[" * 450 + b"]" * 450, b'{"intValue":%b}' % (b"9" * 5000)])
def test_b28_a_deep_or_long_value_in_json_costs_no_other_span(value, acme, key):
    strange = b'{"attributes":[{"key":"k","value":%b}]},' % value
    body = in_json(chat(1), chat(2)).replace(b'"spans": [', b'"spans": [' + strange)

    assert post(key, body, "application/json").status_code == 200
    with organization_scope(acme.pk):
        assert Event.objects.count() == 2


def test_a_request_of_many_spans_is_stored_whole(acme, key):
    count = 2000

    answer = post(key, in_json(*(chat(number) for number in range(1, count + 1))), "application/json")

    assert answer.content == b"{}"
    with organization_scope(acme.pk):
        assert Event.objects.count() == count
