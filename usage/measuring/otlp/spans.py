"""Reads the body of an export, protobuf or JSON, into spans. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # it comes without types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # as above
from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]  # as above
from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from usage.measuring import lenient
from usage.measuring.shape import LARGEST_EVENT

Value = str | int | float | bool
FAILED = 2  # a status code
PLAIN = frozenset(("int_value", "double_value", "bool_value"))
HEX = re.compile("[0-9a-f]*")
NUMBER = re.compile("-?[0-9]{1,19}")  # of 64 bits, as JSON has it
LENGTH_OF_TRACE, LENGTH_OF_ID = 32, 16  # in hex
NO_TRACE, NO_SPAN = "0" * LENGTH_OF_TRACE, "0" * LENGTH_OF_ID
NO_IDS = "", "", ""
NAMELESS = "A span has no ids: send 16 bytes for its trace and 8 for itself, not all zeros, as hex where it is JSON."
SHAPELESS = "A span cannot be read: something in it is too deep, or not what OTLP has there. Leave that out."


class Unreadable(Exception):
    """The body is no export of spans."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span event: what happened during a span, and when, in nanoseconds."""

    name: str
    at: int
    attributes: Mapping[str, Value]


class Span(Struct):
    """`ref` names it within an organization, however often it is sent, and `above` what it is a part of: empty at the
    top. They are made of its ids in hex, and empty where those are none: `wrong` is what to say of it then. Of the
    attributes, those that tell nothing are None: lists, bytes, empty texts.
    """

    trace: str
    ref: str
    above: str
    start: int
    end: int
    has_failed: bool
    attributes: Mapping[str, Value | None]
    resource: Mapping[str, Value | None]
    marks: tuple[Mark, ...]
    is_too_large: bool
    wrong: str = NAMELESS


def from_protobuf(body: bytes) -> list[Span]:
    """Raises Unreadable; a span that is none costs no other: its trace is empty."""
    try:
        export = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return one_by_one(body)
    weighs = len(body) > LARGEST_EVENT
    found = []
    for group in export.resource_spans:
        resource = told(group.resource.attributes)
        for scope in group.scope_spans:
            found += [one_from_protobuf(span, resource, weighs=weighs) for span in scope.spans]
    return found


def one_by_one(body: bytes) -> list[Span]:
    """Those of a body that cannot be read as a whole: something in it goes too deep, or is no text."""
    found = []
    try:
        for group in parts(body, Field.GROUP):
            resource = resource_of(group)
            for scope in parts(group, Field.SCOPE):
                found += [alone(span, resource) for span in parts(scope, Field.SPAN)]
    except DecodeError:
        raise Unreadable("The body is no ExportTraceServiceRequest.") from None
    return found


class Field(IntEnum):
    """The number by which a message is known in the one around it."""

    GROUP = ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER
    RESOURCE = ResourceSpans.RESOURCE_FIELD_NUMBER
    SCOPE = ResourceSpans.SCOPE_SPANS_FIELD_NUMBER
    SPAN = ScopeSpans.SPANS_FIELD_NUMBER


def parts(message: bytes, number: Field) -> list[bytes]:
    """The messages in a field of another, as they were sent. Raises DecodeError."""
    fields = UnknownFieldSet(Empty.FromString(message))
    return [each.data for each in fields if each.field_number == number and isinstance(each.data, bytes)]


def resource_of(group: bytes) -> dict[str, Value | None]:
    """Nothing where it cannot be read: its spans can be."""
    try:
        return told(Resource.FromString(b"".join(parts(group, Field.RESOURCE))).attributes)
    except DecodeError:
        return {}


def alone(message: bytes, resource: Mapping[str, Value | None]) -> Span:
    try:
        span = SpanMessage.FromString(message)
    except DecodeError:
        return unread(resource)
    return one_from_protobuf(span, resource, weighs=len(message) > LARGEST_EVENT)


def one_from_protobuf(span: Any, resource: Mapping[str, Value | None], *, weighs: bool) -> Span:
    happened = span.events
    marks = tuple(Mark(e.name, e.time_unix_nano, known(told(e.attributes))) for e in happened) if happened else ()
    return Span(
        *identified(span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == FAILED,
        told(span.attributes),
        resource,
        marks,
        weighs and span.ByteSize() > LARGEST_EVENT,
    )


def told(attributes: Iterable[Any]) -> dict[str, Value | None]:
    found: dict[str, Value | None] = {}
    for attribute in attributes:
        value = attribute.value
        # of the kinds of which one is set; to ask which takes longer than to read what it mostly is
        found[attribute.key] = value.string_value or value.int_value or one_of(value)
    return found


def one_of(value: Any) -> Value | None:
    """An AnyValue's own, which is no text with something in it."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind in PLAIN else None


def known(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in attributes.items() if value is not None}


def identified(trace: str, id: str, parent: str) -> tuple[str, str, str]:
    """What a Span begins with, of what are its ids in hex if they are of the right length."""
    if len(trace) != LENGTH_OF_TRACE or len(id) != LENGTH_OF_ID or trace == NO_TRACE or id == NO_SPAN:
        return NO_IDS
    return trace, trace + id, trace + parent if parent.strip("0") else ""


def unread(resource: Mapping[str, Value | None]) -> Span:
    """In place of one that is none."""
    return Span("", "", "", 0, 0, False, {}, resource, (), False, SHAPELESS)


# OTLP's own JSON: ids are hex where protobuf's JSON has base64, and 64-bit numbers are texts or numbers.


class JsonValue(Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None

    def plain(self) -> Value | None:
        count = self.int_value
        if isinstance(count, str) and NUMBER.fullmatch(count):
            return int(count)
        for value in (count, self.string_value, self.bool_value, self.double_value):
            if value is not None and value != "":
                return value
        return None


class JsonAttribute(Struct):
    key: str = ""
    value: JsonValue | None = None


JsonAttributes = list[JsonAttribute] | None


class JsonMark(Struct, rename="camel"):
    name: str | None = None
    time_unix_nano: int | str | None = None
    attributes: JsonAttributes = None


class JsonStatus(Struct):
    code: int | None = None


class JsonSpan(Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    start_time_unix_nano: int | str | None = None
    end_time_unix_nano: int | str | None = None
    attributes: JsonAttributes = None
    events: list[JsonMark] | None = None
    status: JsonStatus | None = None


class JsonResource(Struct):
    attributes: JsonAttributes = None


class JsonScope(Struct):
    spans: list[msgspec.Raw] | None = None


class JsonGroup(Struct, rename="camel"):
    resource: JsonResource | None = None
    scope_spans: list[JsonScope] | None = None


class JsonExport(Struct, rename="camel"):
    resource_spans: list[JsonGroup] | None = None


read_export = msgspec.json.Decoder(JsonExport).decode
read_span = msgspec.json.Decoder(JsonSpan).decode


def from_json(body: bytes) -> list[Span]:
    """Raises Unreadable; a span that is none costs no other: its trace is empty."""
    try:
        try:
            export = read_export(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            export = read_export(made_strict(body))
    except ValueError:
        raise Unreadable("The body is no ExportTraceServiceRequest in JSON.") from None
    found = []
    for group in export.resource_spans or ():
        resource = plain(group.resource.attributes if group.resource else None)
        for scope in group.scope_spans or ():
            found += [one_from_json(raw, resource) for raw in scope.spans or ()]
    return found


def made_strict(body: bytes) -> bytes:
    """The same without what JSON has not, NaN and halves of surrogate pairs, and what is too deep or long: none of it
    costs another span."""
    content = lenient.read(body, constant=lambda _: None)
    return json.dumps(content, ensure_ascii=False).encode(errors="replace")


def one_from_json(raw: msgspec.Raw, resource: Mapping[str, Value | None]) -> Span:
    try:
        span = read_span(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return unread(resource)
    marks = tuple(
        Mark(mark.name or "", number(mark.time_unix_nano), known(plain(mark.attributes))) for mark in span.events or ()
    )
    trace, id, parent = ((told or "").lower() for told in (span.trace_id, span.span_id, span.parent_span_id))
    return Span(
        *(identified(trace, id, parent) if HEX.fullmatch(trace + id) else NO_IDS),
        number(span.start_time_unix_nano),
        number(span.end_time_unix_nano),
        span.status is not None and span.status.code == FAILED,
        plain(span.attributes),
        resource,
        marks,
        memoryview(raw).nbytes > LARGEST_EVENT,
    )


def plain(attributes: JsonAttributes) -> dict[str, Value | None]:
    return {each.key: each.value.plain() if each.value else None for each in attributes or ()}


def number(given: int | str | None) -> int:
    """A time in nanoseconds; 0 for what is none."""
    if isinstance(given, str):
        return int(given) if given.isdecimal() and len(given) < 20 else 0
    return given or 0
