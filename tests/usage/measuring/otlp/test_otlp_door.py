"""POST /v1/traces, as an exporter meets it."""

import gzip
import json

import pytest
from backports import zstd
from django.db import OperationalError, connection
from django.test import Client
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from accounts.models import AuditLine
from sdk_keys.models import ApiKey, Attempt
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.otlp.conftest import TRACE, TRACES, chat, span
from tests.usage.measuring.test_tracking import discards
from tokentra.lib.tenancy import organization_scope
from usage.discarded import Discard
from usage.measured import Event
from usage.measuring.otlp import calls
from usage.measuring.otlp.spans import NAMELESS, SHAPELESS

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def post(key, body, kind=PROTOBUF, **headers):
    told = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().post(TRACES, body, content_type=kind, headers=told)


def in_protobuf(*spans):
    """The same spans: ids are bytes there."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add().scope_spans.add()
    for said in spans:
        ids = {name: said[name] for name in ("traceId", "spanId", "parentSpanId") if name in said}
        made = json_format.ParseDict({k: v for k, v in said.items() if k not in ids}, group.spans.add())
        made.trace_id, made.span_id = bytes.fromhex(ids["traceId"]), bytes.fromhex(ids["spanId"])
    return request.SerializeToString()


def in_json(*spans):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}).encode()


KINDS = pytest.mark.parametrize(("kind", "write"), [(PROTOBUF, in_protobuf), (JSON, in_json)], ids=["protobuf", "json"])


@KINDS
def test_both_kinds_of_content_say_the_same_and_are_answered_in_kind(kind, write, key, held):
    answer = post(key, write(chat(1)), kind)

    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    assert answer.content == (b"" if kind == PROTOBUF else b"{}")
    [kept] = held()
    assert (kept.ref, kept.run, kept.input, kept.output) == (f"{TRACE}{1:016x}", TRACE, 100, 10)
    assert kept.latency_ms == 1000


@KINDS
def test_b24_a_key_in_a_span_is_masked_and_its_organization_told(kind, write, acme, elsewhere, key, held, caplog):
    theirs = issued(elsewhere, "read")
    spans = [
        chat(1, attributes={"tokentra.note": f"Bearer {key}"}),
        chat(2, attributes={"gen_ai.input.messages": key, "tokentra.plan": "gold"}),
        span(3, {"http.request.header.authorization": theirs.clear, "url.path": "/"}),
    ]

    with caplog.at_level("DEBUG"):
        for each in spans:
            assert post(key, write(each), kind).status_code == 200

    assert [kept.tags for kept in sorted(held(), key=lambda kept: kept.ref)] == [
        {"note": "Bearer [masked]"},
        {"plan": "gold"},
    ]
    assert discards(acme)["secret_masked"] == 1
    for organization in (acme, elsewhere):
        with organization_scope(organization.pk):
            [line] = AuditLine.objects.owned_by(organization).filter(action="key_misplaced")
            assert line.data["where"] == "spans"
            assert ApiKey.objects.get(organization=organization, pk=line.object_id).misplaced_at
            assert Attempt.objects.owned_by(organization).filter(outcome="key_in_spans", way="spans").count() == 1
            assert key not in repr([*Event.objects.values(), *AuditLine.objects.values(), *Attempt.objects.values()])
    assert key not in caplog.text


def status_of(answer, kind):
    """Code and sentence of a refusal, which must be in the kind of content that was sent."""
    assert answer["Content-Type"] == kind
    status = Status.FromString(answer.content) if kind == PROTOBUF else Status(**answer.json())
    return status.code, status.message


@KINDS
def test_b24_a_key_in_the_address_of_an_export_is_refused_whatever_the_header_says(kind, write, acme, key, held):
    told = {"Authorization": f"Bearer {key}"}
    answer = Client().post(f"{TRACES}?api_key={key}", write(chat(1)), content_type=kind, headers=told)

    assert answer.status_code == 400
    code, sentence = status_of(answer, kind)
    assert code == 3
    assert "Send the key in the Authorization header" in sentence
    assert held() == []
    with organization_scope(acme.pk):
        assert AuditLine.objects.get(action="key_misplaced").data["where"] == "address"


@KINDS
def test_b25_a_span_of_more_than_a_mebibyte_costs_no_other(kind, write, acme, key, held):
    def holding(size):
        return {"gen_ai.input.messages": "x" * size}

    large, small = chat(1, attributes=holding(2**20)), chat(2, attributes=holding(2**20 - 2_000))
    no_call = span(3, holding(2**20))

    answer = post(key, write(large, small, no_call), kind)

    partial = ExportTraceServiceResponse.FromString(answer.content) if kind == PROTOBUF else answer.json()
    assert answer.status_code == 200
    assert "1 MiB" in str(partial)
    assert [int(kept.ref[-16:], 16) for kept in held()] == [2]
    assert discards(acme) == {"event_too_large": 1, "content": 1, "not_a_model_call": 1}


@KINDS
def test_b28_bad_spans_are_counted_with_a_sentence_and_the_others_kept(kind, write, acme, key, held):
    bad = [
        chat(2, put=-1),
        chat(3, attributes={"gen_ai.usage.reasoning_tokens": -11}),
        chat(4, attributes={"gen_ai.usage.output_tokens": 0.5}),
        chat(5, attributes={"gen_ai.usage.output_tokens": True}),
        chat(6, attributes={"gen_ai.response.model": "a\0b"}),
        chat(7, startTimeUnixNano="1"),
        chat(8, trace="0" * 32),
    ]

    answer = post(key, write(chat(1), *bad), kind)

    assert answer.status_code == 200
    assert len(held()) == 1
    if kind == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
        assert partial.rejected_spans == len(bad)
        assert partial.error_message.endswith(".")
    else:
        assert answer.json()["partialSuccess"]["rejectedSpans"] == str(len(bad))
        assert answer.json()["partialSuccess"]["errorMessage"].endswith(".")
    assert sum(discards(acme).values()) == len(bad)


def test_b28_a_span_of_the_wrong_shape_costs_no_other(key, held):
    answer = post(key, in_json(chat(1), "no span", {"attributes": 7}, chat(2, events="none")), JSON)

    assert answer.json()["partialSuccess"] == {"rejectedSpans": "3", "errorMessage": SHAPELESS}
    assert len(held()) == 1


def test_b28_a_deep_value_in_one_span_costs_no_other(acme, key, held):
    export = ExportTraceServiceRequest.FromString(in_protobuf(chat(1), chat(2)))
    value = export.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="deep").value
    for _ in range(50):
        value = value.array_value.values.add()
    value.string_value = "x"

    answer = post(key, export.SerializeToString())

    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans, partial.error_message) == (200, 1, SHAPELESS)
    assert len(held()) == 1
    assert discards(acme) == {"invalid_field": 1}


def test_b28_a_span_without_ids_is_told_what_ids_it_needs(acme, key, held):
    answer = post(key, in_json(chat(1), {"attributes": chat(2)["attributes"]}, chat(3, trace="0" * 32)), JSON)

    assert answer.json()["partialSuccess"] == {"rejectedSpans": "2", "errorMessage": NAMELESS}
    assert len(held()) == 1
    assert discards(acme) == {"invalid_field": 2}


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"resourceSpans": 7}', b"[" * 100_000])
def test_b27_what_is_no_export_in_json_is_400_with_a_status(body, key, held):
    answer = post(key, body, JSON)

    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (400, JSON, 3)
    assert answer.json()["message"]
    assert held() == []


@pytest.mark.parametrize("body", [b"\xff\xff", b"no protobuf", b"\x0a\x05abc"])
def test_b27_what_is_no_export_in_protobuf_is_400_with_a_status(body, key):
    answer = post(key, body)

    assert (answer.status_code, answer["Content-Type"]) == (400, PROTOBUF)
    status = Status.FromString(answer.content)
    assert status.code == 3
    assert "Nothing was stored" in status.message


def test_what_is_not_known_is_passed_over(key, held):
    said = chat(1, links=[{"traceId": 1}], flags=257, somethingNew={"a": [1]}, kind=3, traceState="x=y")
    body = json.dumps(
        {"resourceSpans": [{"schemaUrl": "u", "scopeSpans": [{"scope": {}, "spans": [said]}]}], "more": 1}
    )

    assert post(key, body.encode(), JSON).status_code == 200
    assert len(held()) == 1


def test_an_empty_export_is_taken(key):
    assert post(key, b"\x0a\x00").status_code == 200
    assert post(key, b"{}", JSON).status_code == 200


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (zstd.compress, "zstd")])
def test_packed_exports_are_read(pack, name, key, held):
    assert post(key, pack(in_protobuf(chat(1))), Content_Encoding=name).status_code == 200
    assert len(held()) == 1


@pytest.mark.parametrize(
    ("body", "kind", "encoding", "status"),
    [
        (gzip.compress(b" " * (20 * 2**20 + 1)), JSON, "gzip", 413),
        (zstd.compress(b" " * (20 * 2**20 + 1)), JSON, "zstd", 413),
        (b"{}", JSON, "br", 415),
        (b"{}", "text/plain", "identity", 415),
        (gzip.compress(b"{}", mtime=0)[:-3], JSON, "gzip", 400),
    ],
)
def test_b25_b26_refusals_carry_a_status_in_kind(body, kind, encoding, status, key):
    answer = post(key, body, kind, Content_Encoding=encoding)

    assert answer.status_code == status
    assert answer["Content-Type"] == (JSON if kind == JSON else PROTOBUF)


@pytest.mark.parametrize(
    ("body", "kind", "encoding", "reason"),
    [
        (b" " * (20 * 2**20 + 1), JSON, "identity", "body_too_large"),
        (b"[]", JSON, "identity", "unreadable_body"),
        (b"\xff", PROTOBUF, "identity", "unreadable_body"),
        (b"{}", JSON, "gzip", "unreadable_body"),
        (b"{}", JSON, "br", "unknown_encoding"),
        (b"{}", "text/plain", "identity", "unknown_content_type"),
    ],
)
def test_c7_a_request_that_is_refused_whole_is_counted(body, kind, encoding, reason, acme, key):
    for _ in range(2):
        post(key, body, kind, Content_Encoding=encoding)

    assert discards(acme) == {reason: 2}
    with organization_scope(acme.pk):
        assert Discard.objects.owned_by(acme).get().key_id == ApiKey.objects.get().pk


@KINDS
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"gen_ai.usage.input_tokens": -5}, "tokens.input: Expected int >= 0."),
        ({"gen_ai.usage.output_tokens": 1.5}, "tokens.output: Expected int, got float."),
        *(({"gen_ai.response.model": nothing}, "Send model.") for nothing in ("", False, 0)),
    ],
)
def test_b28_an_exporter_is_told_which_field_is_wrong(kind, write, said, why, key):
    answer = post(key, write(chat(1), chat(2, attributes=said)), kind)

    if kind == PROTOBUF:
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
        assert (partial.rejected_spans, partial.error_message) == (1, why)
    else:
        assert answer.json()["partialSuccess"] == {"rejectedSpans": "1", "errorMessage": why}


@KINDS
@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs", "/v1/traces/"])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_no_trace_is_told_so_in_kind(path, kind, write, is_known, key):
    told = {"Authorization": f"Bearer {key}"} if is_known else {}
    answer = Client(enforce_csrf_checks=True).post(path, write(chat(1)), content_type=kind, headers=told)

    assert answer.status_code == 404
    code, sentence = status_of(answer, kind)
    assert code == 5
    assert "Only spans are taken, at /v1/traces." in sentence


@KINDS
def test_b22_b23_without_the_right_key_nothing_is_taken(kind, write, acme, key, held):
    without = Client().post(TRACES, write(chat(1)), content_type=kind)
    reading = post(issued(acme, "read").clear, write(chat(1)), kind)
    wrong = post("tt_live_wrong", write(chat(1)), kind)

    assert [answer.status_code for answer in (without, reading, wrong)] == [401, 403, 401]
    assert [status_of(answer, kind)[0] for answer in (without, reading, wrong)] == [16, 7, 16]
    assert held() == []


def test_only_posting_is_known(db):
    assert Client().get(TRACES).status_code == 405


def test_b40_a_database_that_is_away_is_503(key, held):
    def away(execute, sql, params, many, context):
        raise OperationalError("the connection is lost")

    post(key, in_protobuf(chat(1)))  # the key is known from now on
    with connection.execute_wrapper(away):
        answer = post(key, in_protobuf(chat(2)))

    assert (answer.status_code, Status.FromString(answer.content).code) == (503, 14)
    assert "database" in Status.FromString(answer.content).message
    assert int(answer["Retry-After"]) > 0
    assert len(held()) == 1


def test_b40_a_mistake_of_ours_is_503_and_never_500(key, monkeypatch, caplog):
    monkeypatch.delattr(calls, "tokens_of")

    answer = post(key, in_protobuf(chat(1)))

    assert answer.status_code == 503
    assert "was not stored" in caplog.text


def test_spans_that_are_no_calls_are_passed_over_and_counted(acme, key, held):
    answer = post(key, in_json(span(1, {"http.request.method": "GET"}), span(2, {"gen_ai.tool.name": "x"})), JSON)

    assert answer.content == b"{}"
    assert held() == []
    assert discards(acme) == {"not_a_model_call": 2}
