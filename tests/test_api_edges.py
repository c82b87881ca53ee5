"""What no program should send and some do: every answer is a refusal in our shape, never a failure (B25, B27, B65)."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tests.sdk_keys.conftest import issued
from tokentra.middleware import HeadLikeGet

pytestmark = pytest.mark.django_db

SIGNUP = {"email": "ann@acme.example", "password": PASSWORD, "fullName": "Ann", "organizationName": "Acme"}
CONNECT = {"provider": "openai", "name": "Main", "credentials": {"admin_key": "sk-admin-x"}}
WITH_NUL: list[tuple[str, dict[str, Any]]] = [
    ("/api/auth/signup", SIGNUP | {"referralSource": "a\0b"}),
    ("/api/auth/signup", SIGNUP | {"utmParams": {"utm_source": "\0"}}),
    ("/api/auth/login", {"email": "a\0b@acme.example", "password": PASSWORD}),
    ("/api/auth/verify-email", {"verificationToken": "a\0b", "code": "123456"}),
    ("/api/providers/connect", CONNECT | {"name": "a\0b"}),
    ("/api/providers/connect", CONNECT | {"credentials": {"a\0b": "x"}}),
]


def send(browser: Client, path: str, body: Any) -> Any:
    sent = body if isinstance(body, str | bytes) else json.dumps(body)
    return browser.post(path, sent, content_type="application/json")


@pytest.mark.parametrize(("path", "body"), WITH_NUL)
def test_a_text_that_the_database_cannot_hold_is_refused(path, body, alice, acme):
    answer = send(Browser(alice) if "providers" in path else Client(), path, body)

    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "Leave out the NUL character."


def test_a_backslash_before_u0000_is_a_text_like_any_other():
    assert send(Client(), "/api/auth/signup", SIGNUP | {"referralSource": "\\u0000"}).status_code == 201


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/signup", "/api/providers/connect"])
def test_b25_a_body_over_the_limit_is_413(path, alice, acme):
    answer = send(Browser(alice), path, {"email": "x" * (2 * 1024 * 1024)})

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("body", ["", "[", b"\xff\xfe", "[" * 100_000, "NaN", '"text"', "[1]"])
def test_b27_what_is_no_json_object_is_refused(body):
    assert send(Client(), "/api/auth/login", body).status_code in {400, 422}


@pytest.mark.parametrize("token", ["\0", "a\0b", "é", "../x", "", " ", "x" * 5000])
def test_b22_a_token_that_cannot_be_one_is_nobodys(token, db):
    answer = Client().get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard/",
        "/usage/",
        "/providers/",
        "/settings/profile/",
        "/organizations/",
        "/api/auth/me",
        "/api/usage/stats",
    ],
)
def test_what_a_signed_in_person_sees_is_kept_by_no_cache(path, alice, acme):
    make.connection(acme)

    answer = Browser(alice).get(path)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"


def test_b15_no_route_takes_a_field_that_it_does_not_name():
    """Whatever else somebody sends, a role or an organization: 422. The reference says so of every body."""
    reference = Client().get("/api/openapi.json").json()
    shapes = reference["components"]["schemas"]
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for path, operations in reference["paths"].items()
        for operation in operations.values()
        if "requestBody" in operation and path != "/api/usage/track"  # events keep what is not known as tags
    ]

    assert len(bodies) >= 6
    whole = [shapes[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in bodies]
    assert [each["title"] for each in whole if each.get("additionalProperties") is not False] == []


@pytest.mark.parametrize("extra", ["organization", "organizationId", "role", "isStaff", "plan", "spent", "id"])
def test_b14_b15_a_connection_takes_no_organization_from_its_body(extra, alice, acme, elsewhere):
    answer = send(Browser(alice), "/api/providers/connect", CONNECT | {extra: str(elsewhere.pk)})

    assert answer.status_code == 422
    assert extra in answer.json()["error"]["fields"]


@pytest.mark.parametrize("path", ["/api/customers", "/api/usage/export?from=2026-01-01&to=2026-01-02", "/healthz"])
def test_where_get_is_answered_head_is_too(path, acme):
    headers = {"Authorization": f"Bearer {issued(acme, 'read').clear}"}
    get, head = (Client().generic(method, path, headers=headers) for method in ("GET", "HEAD"))

    assert (head.status_code, head["Content-Type"]) == (200, get["Content-Type"])
    assert head.get("Content-Length") == get.get("Content-Length")
    assert (body_of(get) != "", body_of(head)) == (True, "")


@pytest.mark.parametrize("status", [200, 405])
def test_the_answer_to_head_holds_no_body_that_a_server_would_have_to_drop(status, rf):
    answer = HeadLikeGet(lambda _: HttpResponse("body", status=status))(rf.head("/healthz"))

    assert (answer.status_code, answer.content, answer["Content-Length"]) == (status, b"", "4")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/usage/track", "POST"),
        ("DELETE", "/api/auth/me", "GET"),
        ("HEAD", "/api/usage/track", "POST"),
    ],
)
@pytest.mark.parametrize("has_key", [True, False])
def test_a_method_that_an_address_does_not_take_is_refused_in_our_shape(has_key, method, path, allowed, acme):
    headers = {"Authorization": f"Bearer {issued(acme, 'ingest', 'read').clear}"} if has_key else {}
    answer = Client().generic(method, path, headers=headers)

    assert (answer.status_code, answer["Allow"], answer["Content-Type"]) == (405, allowed, "application/json")
    if method != "HEAD":
        error = answer.json()["error"]
        assert (error["code"], error["message"]) == ("method_not_allowed", f"Use {allowed} here.")
        assert error["requestId"] == answer["X-Request-Id"]
        assert int(answer["Content-Length"]) == len(answer.content)
