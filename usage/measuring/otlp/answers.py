"""What an exporter is answered: in the kind of content that it sent, as OTLP has it. Pure."""

import json
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

PROTOBUF, JSON = "application/x-protobuf", "application/json"
# google.rpc.Code for each status that we answer.
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 3, 415: 3, 503: 14}
UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Written:
    body: bytes
    content_type: str


def done(content_type: str, *, rejected: int = 0, why: str = "") -> Written:
    """All is stored, but for so many spans; `why` is said of the first."""
    if content_type == JSON:
        partial = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": why}} if rejected else {}
        return Written(json.dumps(partial).encode(), JSON)
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.rejected_spans = rejected
        response.partial_success.error_message = why
    return Written(response.SerializeToString(), PROTOBUF)


def refused(content_type: str, status: int, message: str) -> Written:
    """A google.rpc.Status: its code and a sentence."""
    code = CODES.get(status, UNKNOWN)
    if content_type == JSON:
        return Written(json.dumps({"code": code, "message": message}).encode(), JSON)
    text = message.encode()
    return Written(bytes([0x08, code, 0x12]) + varint(len(text)) + text, PROTOBUF)


def varint(number: int) -> bytes:
    """A length as protobuf writes it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
