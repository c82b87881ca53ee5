"""What is read of a span in protobuf: ids, and values of every kind."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from usage.measuring.otlp.answers import varint
from usage.measuring.otlp.spans import SHAPELESS, Unreadable, from_json, from_protobuf
from usage.measuring.shape import LARGEST_EVENT

TRACE, ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALUES = {
    "string_value": ["text"],
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


def test_a_list_bytes_an_empty_text_and_no_value_are_none():
    export, span = exported()
    span.attributes.add(key="empty").value.string_value = ""
    span.attributes.add(key="list").value.array_value.values.add(string_value="text")
    span.attributes.add(key="bytes").value.bytes_value = b"text"
    span.attributes.add(key="nothing")

    [read] = from_protobuf(export.SerializeToString())
    assert read.attributes == {"empty": None, "list": None, "bytes": None, "nothing": None}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ('"stringValue": "text"', "text"),
        ('"intValue": "7"', 7),
        ('"intValue": 0', 0),
        ('"doubleValue": 0.0', 0.0),
        ('"boolValue": false', False),
        ('"stringValue": ""', None),
        ('"intValue": ""', None),
        ('"bytesValue": "dGV4dA=="', None),
        ("", None),
    ],
)
def test_a_value_in_json_keeps_what_it_is(told, expected):
    span = f'{{"attributes": [{{"key": "told", "value": {{{told}}}}}]}}'
    [read] = from_json(f'{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}]}}]}}]}}'.encode())
    assert (read.attributes, type(read.attributes["told"])) == ({"told": expected}, type(expected))


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


def packed(number, *messages):
    """In a field of a message around them, as protobuf writes it."""
    return b"".join(bytes([number << 3 | 2]) + varint(len(message)) + message for message in messages)


def nested(depth):
    """An attribute with a list in a list, so many times."""
    value = packed(1, b"text")
    for _ in range(depth):
        value = packed(5, packed(1, value))
    return packed(1, b"deep") + packed(2, value)


def body_of(*spans, resource=b""):
    return packed(1, packed(1, resource) + packed(2, packed(2, *spans)))


GOOD = packed(1, bytes.fromhex(TRACE)) + packed(2, bytes.fromhex(ID))


@pytest.mark.parametrize(
    "bad",
    [packed(9, nested(50)), packed(9, nested(5_000)), packed(5, b"\xff"), packed(9, b"x")],
    ids=["deep", "very deep", "no text", "cut short"],
)
def test_b28_a_span_that_is_none_in_protobuf_costs_no_other(bad):
    body = body_of(GOOD, GOOD + bad, GOOD, resource=packed(1, packed(1, b"service.name")))

    read = from_protobuf(body)

    assert [span.trace for span in read] == [TRACE, "", TRACE]
    assert read[1].wrong == SHAPELESS
    assert [span.resource for span in read] == [{"service.name": None}] * 3


def test_what_is_around_spans_and_goes_too_deep_costs_itself():
    [span] = from_protobuf(body_of(GOOD, resource=packed(1, nested(50))))

    assert (span.trace, span.resource) == (TRACE, {})


def test_a_span_beside_one_that_is_none_is_weighed():
    heavy = packed(9, packed(1, b"x" * LARGEST_EVENT))

    read = from_protobuf(body_of(GOOD + packed(5, b"\xff"), GOOD + heavy, GOOD))

    assert [span.is_too_large for span in read] == [False, True, False]


def test_groups_that_cannot_be_read_are_no_export():
    with pytest.raises(Unreadable):
        from_protobuf(body_of(GOOD) + packed(1, b"no group"))
