"""POST /api/usage/track, as a program meets it."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from backports import zstd
from django.db import OperationalError, connection
from django.test import Client

from sdk_keys.models import ApiKey
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import event
from tokentra.lib.tenancy import organization_scope
from usage.discarded import Discard
from usage.measuring import discards

TRACK = "/api/usage/track"


@pytest.fixture
def key(acme):
    return issued(acme, "ingest").clear


def post(key, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().post(TRACK, content, content_type="application/json", headers=told)


def now(**said):
    return event(occurredAt=datetime.now(UTC).isoformat(), **said)


@pytest.mark.parametrize("body", [now(id="a"), {"events": [now(id="a")]}])
def test_one_event_or_many_are_answered_202_with_counts(body, key, held):
    answer = post(key, body)

    assert answer.status_code == 202
    assert answer["Content-Length"] == str(len(answer.content))
    assert answer.json() == {"accepted": 1, "duplicates": 0, "conflicts": 0, "rejected": 0, "results": []}
    assert [(kept.ref, kept.key_id is not None) for kept in held()] == [("a", True)]


def test_results_tell_only_of_what_was_not_plainly_accepted(key):
    twice = now(id="a")

    answer = post(key, {"events": [twice, twice, now(id="b", tokens={"input": -1})]})

    assert answer.status_code == 202
    assert answer.json()["results"] == [
        {"index": 1, "id": "a", "status": "duplicate"},
        {
            "index": 2,
            "id": "b",
            "status": "rejected",
            "code": "invalid_field",
            "message": "Expected int >= 0.",
            "field": "tokens.input",
        },
    ]


def test_an_empty_batch_is_accepted_as_nothing(key):
    assert post(key, {"events": []}).json()["accepted"] == 0


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (zstd.compress, "zstd"), (bytes, "identity")])
def test_packed_bodies_are_read(pack, name, key):
    assert post(key, pack(json.dumps(now()).encode()), Content_Encoding=name).status_code == 202


@pytest.mark.parametrize(
    ("body", "name", "status"),
    [
        (gzip.compress(b"{}" + b" " * 6 * 2**20, mtime=0), "gzip", 413),
        (zstd.compress(b"{}" + b" " * 6 * 2**20), "zstd", 413),
        (b" " * (5 * 2**20 + 1), "identity", 413),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip", 400),
        (zstd.compress(b"{}" * 99)[:-4], "zstd", 400),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", 400),
        (b"{}", "gzip", 400),
        (b"{}", "zstd", 400),
        (b"{}", "br", 415),
        (gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), "gzip, gzip", 415),
    ],
)
def test_b25_b26_what_is_too_large_or_does_not_unpack_is_refused(body, name, status, key, held):
    answer = post(key, body, Content_Encoding=name)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert held() == []


def test_b25_one_event_holds_a_mebibyte_at_most(key, held):
    large = now(id="large", prompt="x" * 2**20)

    alone, beside = post(key, large), post(key, {"events": [large, now(id="small", prompt="x" * (2**20 - 2_000))]})

    assert (alone.status_code, alone.json()["error"]["code"]) == (413, "event_too_large")
    assert (beside.json()["accepted"], beside.json()["results"][0]["code"]) == (1, "event_too_large")
    assert [each.ref for each in held()] == ["small"]


@pytest.mark.parametrize(
    ("body", "headers", "reason", "count"),
    [
        (json.dumps({"events": [event()] * 1_001}).encode(), {}, "too_many_events", 1_001),
        (json.dumps({"events": [event(region="eu")] * 1_002}).encode(), {}, "too_many_events", 1_002),
        (json.dumps(event(note="x" * 2**20)).encode(), {}, "event_too_large", 1),
        (b" " * (5 * 2**20 + 1), {}, "body_too_large", 1),
        (b"{", {}, "unreadable_json", 1),
        (b"{}", {"Content_Encoding": "gzip"}, "unreadable_body", 1),
        (b"{}", {"Content_Encoding": "br"}, "unknown_encoding", 1),
    ],
)
def test_c7_a_request_that_is_refused_whole_is_counted(body, headers, reason, count, acme, key):
    codes = [post(key, body, **headers).json()["error"]["code"] for _ in range(2)]

    assert codes == [reason] * 2
    with organization_scope(acme.pk):
        [total] = discards.since(acme, datetime.now(UTC).date())
        assert [row.key_id for row in Discard.objects.all()] == [ApiKey.objects.get().pk]
    assert (total.reason, total.count, total.words) == (reason, 2 * count, discards.REASONS[reason])


def test_c7_a_request_with_a_key_in_its_body_is_counted(acme, key):
    assert post(key, now(note=key)).json()["error"]["code"] == "key_misplaced"

    with organization_scope(acme.pk):
        assert list(Discard.objects.values_list("reason", "count")) == [("key_misplaced", 1)]


@pytest.mark.parametrize(
    ("scopes", "status", "code"), [(("read",), 403, "key_scope"), (("read", "admin"), 403, "key_scope")]
)
def test_b23_a_key_without_the_scope_sends_nothing(scopes, status, code, acme, held):
    answer = post(issued(acme, *scopes).clear, now())

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert held() == []


@pytest.mark.parametrize("body", [b"{", b" " * (5 * 2**20 + 1), json.dumps(event()).encode()])
def test_b22_without_a_key_nothing_is_read(body, client, held):
    answer = client.post(TRACK, body, content_type="application/json")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert held() == []


def test_only_posting_is_known(client, db):
    assert client.get(TRACK).status_code == 405


def test_b40_a_database_that_is_away_is_503_and_never_500(key, held):
    def away(execute, sql, params, many, context):
        raise OperationalError("the connection is lost")

    post(key, now())  # the key is known from now on
    with connection.execute_wrapper(away):
        answer = post(key, now())

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert len(held()) == 1
