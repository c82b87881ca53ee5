"""The API's reference page shows of every route what it is sent and what it answers, and that is how it is."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.answers import body_of
from tests.conftest import Browser
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import event
from tokentra.api import api
from usage.measuring import tracking

DOCUMENT = json.loads(json.dumps(api.get_openapi_schema(), default=str))
WITHOUT_BODY = {"204", "304"}
ROUTES = [(f"{way.upper()} {path}", told) for path, ways in DOCUMENT["paths"].items() for way, told in ways.items()]


@pytest.mark.parametrize(("route", "told"), ROUTES, ids=[route for route, _ in ROUTES])
def test_every_route_says_what_it_does_with_an_example_of_each_side(route: str, told: dict[str, Any]):
    assert told["summary"]
    sides = [told["requestBody"]["content"]["application/json"]] if "requestBody" in told else []
    good = {status: answer for status, answer in told["responses"].items() if status.startswith("2")}
    sides += [kind for status, answer in good.items() if status not in WITHOUT_BODY for kind in kinds(answer)]

    assert sides or set(good) <= WITHOUT_BODY
    assert [side for side in sides if not side.get("example")] == []
    for side in sides:
        assert list(mistakes(side)) == []
    assert told["responses"]["default"]["content"]["application/json"]["example"]["error"]["code"]


def test_a_route_has_one_answer_for_what_went_well():
    answers = {route: [status for status in told["responses"] if status.startswith("2")] for route, told in ROUTES}

    assert {route: said for route, said in answers.items() if len(said) != 1} == {}
    assert answers["POST /api/usage/track"] == ["202"]


def kinds(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return list(answer.get("content", {"nothing": {}}).values())


def mistakes(side: dict[str, Any]) -> Iterator[str]:
    """Where an example is not of its own shape, and which of that shape's fields it leaves out."""
    whole = side.get("schema", {}) | {"components": DOCUMENT["components"]}
    for wrong in Draft202012Validator(whole).iter_errors(side["example"]):
        yield f"{wrong.json_path}: {wrong.message}"


LIVE = {
    "GET /api/usage/stats": "/api/usage/stats?groupBy=model,day&ledger=measured",
    "GET /api/stats": "/api/stats?groupBy=model,day&ledger=measured",
    "GET /api/usage/export": "/api/usage/export?format=json&groupBy=model,day",
    "GET /api/customers": "/api/customers",
    "GET /api/agents": "/api/agents",
    "GET /api/runs": "/api/runs",
    "GET /api/runs/{run}": "/api/runs/run-7",
}


def test_routes_without_a_written_shape_answer_as_their_examples(acme, alice):
    tracking.forget()
    sent = event(customerId="globex", agent="researcher", runId="run-7", feature="summary")
    key = issued(acme, "ingest", "read").clear
    told = {"Authorization": f"Bearer {key}"}
    Browser().post("/api/usage/track", json.dumps(sent), content_type="application/json", headers=told)
    examples = {
        route: told["responses"]["200"]["content"]["application/json"]["example"]
        for route, told in ROUTES
        if route in LIVE
    }

    for route, path in LIVE.items():
        answer = json.loads(body_of(Browser(alice).get(path)))
        assert names(answer) == names(examples[route]), route


def names(value: Any, at: str = "") -> set[str]:
    """Every field with where it stands, but for what each caller names itself."""
    if isinstance(value, list):
        return {name for each in value for name in names(each, f"{at}[]")}
    if isinstance(value, dict):
        if at.endswith(("units", "tags", "tokens")):
            return set()
        return {name for field, each in value.items() for name in {f"{at}.{field}", *names(each, f"{at}.{field}")}}
    return set()
