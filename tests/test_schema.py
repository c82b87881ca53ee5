"""Whatever a program sends to the API, the answer is never a 5xx, and it has the shape of an error where it is one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.sdk_keys.conftest import issued
from usage.measuring.shape import NAMES
from usage.measuring.tracking import opened, track

# What only a person may do, or what ends what the others need.
LEFT_OUT = ("/auth/login", "/auth/signup", "/auth/verify-email", "/auth/logout", "/providers/connect")
SETTINGS = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def operations() -> list[tuple[str, str]]:
    from tokentra.api import api

    return sorted(
        (path, method)
        for path, ways in api.get_openapi_schema()["paths"].items()
        for method in ways
        if not any(part in path for part in LEFT_OUT)
    )


def schema() -> Any:
    from tokentra.api import api

    document = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    return schemathesis.openapi.from_dict(document)


@pytest.mark.parametrize(("path", "method"), operations())
def test_no_request_that_the_schema_allows_or_forbids_is_a_5xx(path, method, acme):
    key = issued(acme, "ingest", "read", "admin").clear
    operation = schema()[path][method]

    @SETTINGS
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) | operation.as_strategy())
    def ask(case: Any) -> None:
        body = case.body
        content = b"" if not isinstance(body, dict | list | str | int | float | bool) else json.dumps(body).encode()
        answer = Client(raise_request_exception=False).generic(
            method.upper(),
            case.formatted_path,
            content,
            content_type="application/json",
            query_params={name: str(value) for name, value in dict(case.query or {}).items()},
            headers={"Authorization": f"Bearer {key}"},
        )
        if answer.streaming:
            list(answer)  # an export that nobody reads keeps its transaction open
        assert answer.status_code < 500, (answer.status_code, case.formatted_path, content[:500])
        if answer.status_code >= 400 and "results" not in answer.json():
            assert {"code", "message", "fields", "requestId"} <= answer.json()["error"].keys()

    ask()


@pytest.mark.parametrize("path", ["/api/nothing", "/api/a/b/c", "/api/runs/"])
def test_an_address_that_is_none_is_told_as_json(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_document_names_the_ways_in(client):
    document = client.get("/api/openapi.json").json()

    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}, {"session": []}]
    ways = {
        (path, way): said.get("security") for path, found in document["paths"].items() for way, said in found.items()
    }
    for route in ("track", "check"):
        assert ways.pop((f"/api/usage/{route}", "post")) == [{"bearer": []}]
    for route in ("signup", "verify-email", "login", "mfa"):
        assert ways.pop((f"/api/auth/{route}", "post")) == []
    assert {*ways.values()} == {None}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.dictionaries(
    st.sampled_from(sorted(NAMES)) | st.text(max_size=12),
    ANYTHING | st.sampled_from(["openai", "gpt-4o", "2026-11-20T00:00:00Z", {"input": 3}, {"amount": "0.1"}, "ok"]),
    max_size=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(EVENTS | ANYTHING, max_size=4))
def test_no_event_whatever_it_holds_breaks_anything(acme, events):
    body = opened(json.dumps({"events": events}).encode())

    answer = track(acme.pk, body.events, key_id=None, now=datetime.now(UTC), are_clean=body.are_clean)

    assert answer.accepted + answer.duplicates + answer.conflicts + answer.rejected == len(events)
