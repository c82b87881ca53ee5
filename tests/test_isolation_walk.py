"""Every URL as a stranger, as a member of another organization, and in each role (reliability B13, D9)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tokentra.lib.ids import uuid7

pytestmark = pytest.mark.django_db

CANARY = "Canarymine"
METHODS = ("get", "post", "put", "patch", "delete")
THIRD_PARTY = ("admin", "headless", "socialaccount", "account_", "usersessions", "github", "google", "microsoft", "openid")
OPEN_TO_ALL = {"healthz", "readyz", "front_door", "api:openapi-json", "api:openapi-view", "api:api-root", "accounts:demo_door"}


@dataclass(frozen=True)
class Route:
    path: str
    name: str

    @property
    def has_object(self) -> bool:
        return "<" in self.path

    def at(self, **objects: str) -> str:
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: objects.get(found.group(1), "openai"), self.path)


def routes(patterns: list, prefix: str = "", namespace: str = "") -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern.url_patterns, path, inner)
        elif isinstance(pattern, URLPattern):
            yield Route(path, namespace + (pattern.name or ""))


OURS = [route for route in routes(get_resolver().url_patterns) if not route.name.startswith(THIRD_PARTY)]
WITH_OBJECT = [route for route in OURS if route.has_object and "provider" not in re.findall(r"<(?:\w+:)?(\w+)>", route.path)]
PLAIN = [route for route in OURS if not route.has_object]


@pytest.fixture
def acme_things(acme, alice) -> dict[str, str]:
    """One object of Acme for each name that a URL may carry."""
    connection = make.connection(acme, name=f"{CANARY} connection", by=alice)
    make.spend(acme, connection, "12.34", model=f"{CANARY}-model")
    return {"pk": str(connection.pk), "connection_id": str(connection.pk), "organization_id": str(acme.pk)}


def test_the_walk_covers_the_products_routes():
    names = {route.name for route in OURS}

    assert {"usage:dashboard", "usage:explorer", "providers:connection", "usage:export"} <= names
    assert len(OURS) > 30


@pytest.mark.parametrize("route", WITH_OBJECT, ids=lambda r: r.path)
@pytest.mark.parametrize("method", METHODS)
def test_b13_another_organizations_object_is_not_there(route, method, acme_things, elsewhere, mallory):
    browser = Browser(mallory)
    if "token" in route.path:
        return

    answers = [
        getattr(browser, method)(route.at(**objects))
        for objects in (acme_things, dict.fromkeys(acme_things, str(uuid7())))
    ]

    assert answers[0].status_code == answers[1].status_code
    assert answers[0].status_code in {404, 405, 422}
    assert CANARY not in answers[0].content.decode()


@pytest.mark.parametrize("route", PLAIN, ids=lambda r: r.path or "/")
def test_b13_no_page_shows_another_organizations_rows(route, acme_things, elsewhere, mallory):
    answer = Browser(mallory).get(route.at())

    assert answer.status_code < 500
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert CANARY not in body.decode()


@pytest.mark.parametrize("route", OURS, ids=lambda r: r.path or "/")
@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_reaches_no_page_of_an_organization(route, method, acme_things):
    answer = getattr(Client(), method)(route.at(**acme_things))

    assert answer.status_code < 500
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert CANARY not in body.decode()
    if method == "get" and route.name not in OPEN_TO_ALL and not route.path.startswith(("api/auth", "demo/")):
        assert answer.status_code in {302, 401, 403, 404, 405}
        if answer.status_code == 302:
            assert "/login/" in answer["Location"] or "/signup/" in answer["Location"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.FINANCE])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_only_owners_and_admins_touch_connections(role, method, acme, acme_things):
    person = make.member(acme, f"{role}@acme.example", role)
    browser = Browser(person)

    for route in OURS:
        if route.name.startswith("providers:") or "api/providers" in route.path:
            status = getattr(browser, method)(route.at(**acme_things), content_type="application/json").status_code
            assert status in {403, 404, 405}, f"{method} {route.path} answered {status}"


@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_costs(role, acme, acme_things):
    person = make.member(acme, f"{role}2@acme.example", role)
    browser = Browser(person)

    for path in ("/dashboard/", "/usage/", "/optimization/", "/providers/"):
        assert browser.get(path).status_code == 200, path
