"""What is read of a span in protobuf: ids, and values of every kind."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from usage.measuring.otlp.spans import from_json, from_protobuf

TRACE, ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALUES = {
    "string_value": ["text", ""],
    "int_value": [7, 0, -1],
    "double_value": [0.5, 0.0],
    "bool_value": [True, False],
}


def exported(trace: bytes = bytes.fromhex(TRACE), id: bytes = bytes.fromhex(ID), parent: bytes = b""):
    export = ExportTraceServiceRequest()
    span = export.resource_spans.add().scope_spans.add().spans.add(trace_id=trace, span_id=id, parent_span_id=parent)
    return export, span


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in VALUES.items() for value in values])
def test_a_value_keeps_what_it_is(kind, value):
    export, span = exported()
    setattr(span.attributes.add(key="told").value, kind, value)

    [read] = from_protobuf(export.SerializeToString())
    assert (read.attributes, type(read.attributes["told"])) == ({"told": value}, type(value))


def test_a_list_bytes_and_no_value_are_none():
    export, span = exported()
    span.attributes.add(key="list").value.array_value.values.add(string_value="text")
    span.attributes.add(key="bytes").value.bytes_value = b"text"
    span.attributes.add(key="nothing")

    [read] = from_protobuf(export.SerializeToString())
    assert read.attributes == {"list": None, "bytes": None, "nothing": None}


@pytest.mark.parametrize(
    ("trace", "id", "expected"),
    [
        (TRACE, ID, TRACE),
        (TRACE.upper(), ID.upper(), TRACE),
        (TRACE[:-1], f"{ID}0", ""),  # as long together as both ought to be
        (f"{TRACE}0", ID[:-1], ""),
        (f"{TRACE}00", ID, ""),
        ("g" * 32, ID, ""),
        ("0" * 32, ID, ""),
        (TRACE, "0" * 16, ""),
        ("", "", ""),
    ],
)
def test_a_span_without_good_ids_has_no_trace(trace, id, expected):
    body = f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{{"traceId": "{trace}", "spanId": "{id}"}}]}}]}}]}}'
    [read] = from_json(body.encode())
    assert read.trace == expected


@pytest.mark.parametrize(("parent", "expected"), [(b"", ""), (bytes(8), ""), (bytes.fromhex(ID), TRACE + ID)])
def test_a_root_has_none_above(parent, expected):
    export, _ = exported(id=b"\1" * 8, parent=parent)
    [read] = from_protobuf(export.SerializeToString())
    assert read.above == expected
