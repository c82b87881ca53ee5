"""Connections over JSON, exactly as the contract has them."""

import json
import time

import pytest

from accounts.permissions import Role
from providers.models import Connection, SealedCredential
from tests import make
from tests.conftest import Browser
from tests.providers.conftest import KEYS, fresh, read
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short", "fake")]

SHAPE = {
    "id",
    "provider",
    "name",
    "status",
    "accountName",
    "projectsFound",
    "progress",
    "lastSyncAt",
    "nextSyncAt",
    "problem",
    "endpoints",
}


@pytest.fixture
def browser(acme, alice) -> Browser:
    return Browser(alice)


def post(browser, path, body=None):
    return browser.post(path, json.dumps(body if body is not None else {}), content_type="application/json")


def connect_by_api(browser, provider="openai", key="", **more):
    body = {"provider": provider, "credentials": {"admin_key": key or KEYS[provider]}} | more
    return post(browser, "/api/providers/connect", body)


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_connecting_answers_with_the_connection_and_its_checks(browser):
    answer = connect_by_api(browser, name="Production")

    assert answer.status_code == 201
    body = answer.json()
    assert body["success"] is True
    connection = body["connection"]
    assert set(connection) == {
        "id", "provider", "name", "status", "accountName", "projectsFound", "checks",
    }  # fmt: skip
    assert (connection["name"], connection["accountName"], connection["projectsFound"]) == ("Production", "Acme", 3)
    assert connection["status"] == "validating"
    assert all(set(check) == {"endpoint", "ok", "message"} and check["ok"] for check in connection["checks"])
    assert {"costs", "usage.completions", "usage.web_search_calls", "projects", "users"} <= {
        check["endpoint"] for check in connection["checks"]
    }
    assert KEYS["openai"] not in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"provider": "openai", "credentials": {"admin_key": KEYS["openai.deleted"]}}, (400, "invalid_credentials")),
        ({"provider": "openai", "credentials": {"admin_key": KEYS["openai.project"]}}, (400, "wrong_key_kind")),
        ({"provider": "openai", "credentials": {"admin_key": KEYS["anthropic"]}}, (400, "wrong_key_kind")),
        ({"provider": "openai", "credentials": {}}, (422, "invalid_field")),
        ({"provider": "openai", "credentials": {"admin_key": ""}}, (422, "invalid_field")),
        ({"provider": "openai", "credentials": {"admin_key": "x", "host": "evil"}}, (422, "invalid_field")),
        ({"provider": "nobody", "credentials": {"admin_key": "x"}}, (422, "invalid_field")),
        ({"provider": "openai", "credentials": {"admin_key": "x"}, "host": "evil"}, (422, "invalid_field")),
        ({"provider": "openai"}, (422, "invalid_field")),
        ([], (422, "invalid_field")),
    ],
)
def test_a_refusal_has_its_code(body, expected, browser, acme):
    answer = post(browser, "/api/providers/connect", body)

    assert refusal(answer) == expected
    assert answer.json()["error"]["requestId"]
    with organization_scope(acme.pk):
        assert not Connection.objects.exists()


def test_the_same_account_again_is_a_conflict_with_its_id(browser):
    first = connect_by_api(browser).json()["connection"]["id"]

    again = connect_by_api(browser)

    assert refusal(again) == (409, "already_connected")
    assert again.json()["error"]["id"] == first


def test_a_provider_that_is_down_is_a_503_that_may_be_tried_again(browser, fake):
    fake.script([{"do": {"action": "status", "status": 500}}])

    answer = connect_by_api(browser)

    assert refusal(answer) == (503, "provider_unavailable")
    assert answer["Retry-After"]


def test_nobody_waits_because_a_provider_asks_for_patience(browser, fake):
    fake.script([{"do": {"action": "status", "status": 503, "headers": {"retry-after": "30"}}}])
    began = time.monotonic()

    answer = connect_by_api(browser)

    assert refusal(answer) == (503, "provider_unavailable")
    assert "503" in answer.json()["error"]["message"]
    assert time.monotonic() - began < 15


def test_a_connection_is_listed_and_shown_bare(browser, connect, acme):
    connection = connect(acme)

    listed = browser.get("/api/providers").json()
    shown = browser.get(f"/api/providers/{connection.pk}").json()

    assert listed == {"items": [shown]}
    assert set(shown) == SHAPE
    assert set(shown["progress"]) == {"stage", "daysRead", "daysWanted", "rows"}
    assert shown["progress"]["daysWanted"] == 10
    assert all(set(each) == {"endpoint", "ok", "message", "lastSuccessAt"} for each in shown["endpoints"])


@pytest.mark.worker
def test_progress_reaches_its_end(browser, connect, acme):
    connection = connect(acme, "anthropic")
    read(connection)

    shown = browser.get(f"/api/providers/{connection.pk}").json()

    assert shown["status"] == "healthy"
    assert shown["problem"] is None
    assert shown["progress"]["stage"] == "complete"
    assert shown["progress"]["daysRead"] == shown["progress"]["daysWanted"] == 10
    assert shown["progress"]["rows"] > 0
    assert all(each["ok"] for each in shown["endpoints"])


def test_pause_resume_and_sync(browser, connect, acme):
    connection = connect(acme)
    path = f"/api/providers/{connection.pk}"

    paused = post(browser, f"{path}/pause")
    refused = post(browser, f"{path}/sync")
    resumed = post(browser, f"{path}/resume")
    synced = post(browser, f"{path}/sync")

    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert refusal(refused) == (409, "connection_at_rest")
    assert resumed.status_code == 200
    assert resumed.json()["status"] != "paused"
    assert synced.status_code == 202
    assert fresh(connection).next_sync_at is not None


def put_key(browser, connection, key):
    body = json.dumps({"credentials": {"admin_key": key}})
    return browser.put(f"/api/providers/{connection.pk}/credentials", body, content_type="application/json")


def test_a_key_is_replaced_by_another_of_the_same_account(browser, connect, acme):
    connection = connect(acme)

    answer = put_key(browser, connection, KEYS["openai.usage_only"])

    assert answer.status_code == 200
    assert fresh(connection).key_last4 == KEYS["openai.usage_only"][-4:]
    with organization_scope(acme.pk):
        assert SealedCredential.objects.values("pk").count() == 1


def test_a_key_of_another_account_does_not_replace_it(browser, connect, acme):
    connection = connect(acme)

    assert refusal(put_key(browser, connection, KEYS["openai.globex"])) == (409, "other_account")
    assert refusal(put_key(browser, connection, KEYS["openai.deleted"])) == (400, "invalid_credentials")
    assert fresh(connection).key_last4 == KEYS["openai"][-4:]


@pytest.mark.parametrize(("query", "left"), [("?data=delete", 404), ("?data=keep", 200), ("", 200)])
def test_disconnecting_keeps_or_deletes(query, left, browser, connect, acme):
    connection = connect(acme)

    answer = browser.delete(f"/api/providers/{connection.pk}{query}")

    assert answer.status_code == 204
    assert browser.get(f"/api/providers/{connection.pk}").status_code == left


def test_what_to_do_with_the_data_is_one_of_two(browser, connect, acme):
    connection = connect(acme)

    assert refusal(browser.delete(f"/api/providers/{connection.pk}?data=burn")) == (422, "invalid_field")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.FINANCE])
def test_who_may_only_see_costs_reads_and_changes_nothing(role, acme, connect):
    connection = connect(acme)
    browser = Browser(make.member(acme, f"{role}@acme.example", role))

    assert browser.get("/api/providers").status_code == 200
    assert refusal(connect_by_api(browser)) == (403, "role_too_small")
    assert refusal(post(browser, f"/api/providers/{connection.pk}/pause")) == (403, "role_too_small")


def test_b13_others_and_unknown_connections_look_alike(connect, acme, mallory, elsewhere):
    connection = connect(acme)
    browser = Browser(mallory)

    answers = [post(browser, f"/api/providers/{pk}/pause") for pk in (connection.pk, uuid7())]

    assert [refusal(answer) for answer in answers] == [(404, "not_found")] * 2


def test_a_request_without_the_csrf_token_is_refused(alice, acme, connect):
    connection = connect(acme)
    browser = Browser(alice, enforce_csrf_checks=True)

    assert post(browser, f"/api/providers/{connection.pk}/pause").status_code == 403
    assert fresh(connection).status != "paused"


def test_b9_a_connections_name_stays_on_its_line(acme, alice, fake):
    browser = Browser(alice)
    body = {"provider": "openai", "credentials": {"admin_key": fake.world.openai.key}, "name": "a\nb"}

    answer = browser.post("/api/providers/connect", body, content_type="application/json")

    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == ["name"]
