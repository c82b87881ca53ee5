"""Every URL as a stranger, as a member of another organization, and in each role (reliability B13, D9)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import invitations
from accounts.permissions import Role
from accounts.scim import tokens
from budgets import raising
from budgets.alerting import firing, ruling
from budgets.alerting.finding import Finding
from budgets.alerting.kinds import BY_ID
from budgets.channels.models import Channel
from budgets.kept import BudgetCrossing
from budgets.models import Department
from tests import make
from tests.accounts.sign_on import proved
from tests.answers import body_of
from tests.conftest import Browser
from tests.sdk_keys.conftest import issued
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope
from usage import own_prices
from usage.measured import Event
from usage.measuring import tracking

pytestmark = pytest.mark.django_db

CANARY = "Canarymine"
NAME = f"{CANARY}-name"
WORDS = {"dimension": "team"}  # in addresses, and everybody's
METHODS = ("get", "post", "put", "patch", "delete")
THIRD_PARTY = (
    "admin",
    "headless",
    "socialaccount",
    "account_",
    "usersessions",
    "github",
    "google",
    "microsoft",
    "openid",
    "mfa_",
    "saml_",
)
OPEN_TO_ALL = {
    "healthz",
    "readyz",
    "front_door",
    "api:openapi-json",
    "api:openapi-view",
    "api:api-root",
    "accounts:demo_door",
    "usage:picture",
    "sdk:contents",
    "guide:contents",
    "guide:search",
    "guide:page",
} | {f"accounts:{page}" for page in ("signup", "login", "login_code", "password_reset", "sign_on_door")}


@dataclass(frozen=True)
class Route:
    path: str
    name: str

    @property
    def has_object(self) -> bool:
        return not {*self.names} <= WORDS.keys()

    @property
    def names(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.path)

    def at(self, **objects: str) -> str:
        told = objects | WORDS
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: told.get(found.group(1), "openai"), self.path)


def routes(patterns: list, prefix: str = "", namespace: str = "") -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern.url_patterns, path, inner)
        elif isinstance(pattern, URLPattern):
            yield Route(path, namespace + (pattern.name or ""))


OURS = [route for route in routes(get_resolver().url_patterns) if not route.name.startswith(THIRD_PARTY)]
WITH_OBJECT = [route for route in OURS if route.has_object and "provider" not in route.names]
PLAIN = [route for route in OURS if not route.has_object]


@pytest.fixture
def acme_things(acme, alice) -> dict[str, str]:
    """One object of Acme for each name that a URL may carry."""
    connection = make.connection(acme, name=f"{CANARY} connection", by=alice)
    make.spend(acme, connection, "12.34", model=f"{CANARY}-model")
    invitations.invite(acme, [f"june@{CANARY}.example"], Role.VIEWER, by=alice)
    domain = proved(acme, f"{CANARY.lower()}.example", by=alice)
    with organization_scope(acme.pk):
        people = {
            "domain_id": str(domain.pk),
            "token_id": str(tokens.make(acme, by=alice).token.pk),
            "member_id": str(acme.memberships.get(user=alice).pk),
            "invitation_id": str(acme.invitations.get().pk),
        }
    called = measured(acme)
    budgeted = budget_things(acme, alice)
    key = issued(acme, by=alice, name=f"{CANARY} key").key
    return (
        people
        | budgeted
        | called
        | {
            "key_id": str(key.pk),
            "price_id": own_price(acme),
            "pk": str(connection.pk),
            "connection_id": str(connection.pk),
            "organization_id": str(acme.pk),
        }
    )


def own_price(acme) -> str:
    with organization_scope(acme.pk):
        rates = {"input": Decimal(1)}
        return str(own_prices.enter(acme, "openai", f"{CANARY}-model", rates=rates, since=date(2026, 1, 1)).pk)


def budget_things(acme, alice) -> dict[str, str]:
    """A budget that somebody asked more for, and a department."""
    held = make.budget(acme, "100", name=f"{CANARY} budget", ledger="measured", each="team")
    now = timezone.now()
    with organization_scope(acme.pk):
        asked = raising.ask(
            held, Decimal(200), last_day=now.date(), reason=f"{CANARY} reason", by=alice, now=now, value=NAME
        )
        department = Department.objects.create(
            organization=acme, name=f"{CANARY} team", dimension="team", values=[CANARY], created_at=now
        )
        look = BudgetCrossing.objects.create(
            organization=acme, budget=held, first_day=now.date(), starts_at=now, ends_at=now, threshold=80,
            limit=100, amount=80, spent=80, latest_spent=80, at=now,
        )  # fmt: skip
    return alert_things(acme, alice) | {
        "crossing_id": str(look.pk),
        "budget_id": str(held.pk),
        "raise_id": str(asked.pk),
        "department_id": str(department.pk),
    }


def alert_things(acme, alice) -> dict[str, str]:
    """An alert, a rule and a channel."""
    now = timezone.now()
    finding = Finding("custom", "custom:x", f"{CANARY} alert", f"{CANARY} text")
    wanted = {"name": f"{CANARY} rule", "metric": "cost", "comparator": "above", "bound": Decimal(5), "window": 1}
    with organization_scope(acme.pk):
        alert = firing.fire(acme, [finding], now=now)[0]
        rule = ruling.make(acme, BY_ID["custom"], wanted, by=alice, now=now)
        channel = Channel.objects.create(
            organization=acme, kind="email", name=f"{CANARY} desk", email=f"desk@{CANARY}.example", created_at=now
        )
    return {"alert_id": str(alert.pk), "alert_rule_id": str(rule.pk), "channel_id": str(channel.pk)}


def measured(acme) -> dict[str, str]:
    """A call that names everything that has a page."""
    said = dict.fromkeys(("customerId", "agent", "runId", "team", "feature", "tool"), NAME)
    call = {"provider": "openai", "model": "gpt-4o", "tokens": {"input": 9}, **said}
    tracking.track(acme.pk, [call], key_id=None, now=timezone.now())
    with organization_scope(acme.pk):
        held = Event.objects.owned_by(acme).get()
    names = dict.fromkeys(("customer", "agent", "run", "value"), NAME)
    return names | {"day": str(held.day), "call": str(held.id)}


def test_the_walk_covers_the_products_routes():
    names = {route.name for route in OURS}

    assert {"usage:dashboard", "usage:explorer", "providers:connection", "sdk_keys:revoke"} <= names
    assert any(route.path == "api/usage/export" for route in OURS)
    assert len(OURS) > 30


def leaks(answer) -> bool:
    return CANARY.lower() in body_of(answer).lower()


def told_by(answer, objects: dict[str, str]) -> str:
    """What an answer says, but for the ids that were asked for and what is new in every answer."""
    text = body_of(answer).replace(answer["X-Request-Id"], "REQUEST")
    for pk in objects.values():
        text = text.replace(pk, "ID")
    return re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken":")[^"]+', r"\1TOKEN", text)


@pytest.mark.parametrize("role", list(Role))
def test_b13_another_organizations_object_is_answered_like_a_missing_one(role, acme_things, elsewhere, mallory):
    with organization_scope(elsewhere.pk):
        elsewhere.memberships.filter(user=mallory).update(role=role)
    nothing = dict.fromkeys(acme_things, str(uuid7()))
    browser, wrong = Browser(mallory), []

    for route in WITH_OBJECT:
        for method in METHODS:
            theirs = getattr(browser, method)(route.at(**acme_things))
            if theirs.status_code == 405 and role != Role.OWNER and not leaks(theirs):
                continue  # no door for anybody: an owner's walk compares it with that of a missing one
            nobodys = getattr(browser, method)(route.at(**nothing))
            is_refused = theirs.status_code in {401, 403, 404, 405, 410, 415, 422}
            is_same = theirs.status_code == nobodys.status_code
            is_same &= told_by(theirs, acme_things) == told_by(nobodys, nothing)
            if not (is_refused and is_same) or leaks(theirs):
                wrong.append(f"{method} {route.path}: {theirs.status_code}, a missing one {nobodys.status_code}")

    assert wrong == []


def test_b13_no_page_shows_another_organizations_rows(acme_things, elsewhere, mallory):
    browser = Browser(mallory)
    wrong = []
    for route in PLAIN:
        answer = browser.get(route.at())
        if answer.status_code >= 500 or leaks(answer):
            wrong.append(f"{route.path}: {answer.status_code}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_reaches_no_page_of_an_organization(method, acme_things):
    wrong = []
    for route in OURS:
        answer = getattr(Client(), method)(route.at(**acme_things))
        is_wrong = answer.status_code >= 500 or leaks(answer)
        is_public = method != "get" or route.name in OPEN_TO_ALL or route.path.startswith("api/auth")
        is_refused = answer.status_code in {401, 403, 404, 405, 410}
        if answer.status_code in {301, 302}:  # to the login page, or to a page that is in this walk itself
            is_refused = answer["Location"].startswith(
                ("/login/", "/signup/", "/settings/", "/3rdparty/", "/onboarding/")
            )
        if is_wrong or not (is_public or is_refused):
            wrong.append(f"{method} {route.path} ({route.name}): {answer.status_code} {answer.get('Location', '')}")

    assert not wrong, "\n".join(wrong)


def answered(browser: Browser, method: str, route: Route, things: dict[str, str]) -> int:
    return getattr(browser, method)(route.at(**things), content_type="application/json").status_code


def test_only_owners_and_admins_touch_connections_and_people(acme, acme_things):
    theirs = [
        route
        for route in OURS
        if (route.name.startswith(("providers:", "accounts:team_")) and route.name != "accounts:team_leave")
        or "api/providers" in route.path
    ]
    assert len(theirs) > 20

    for role in (Role.VIEWER, Role.MEMBER, Role.FINANCE):
        browser = Browser(make.member(acme, f"{role}@acme.example", role))
        for route, method in product(theirs, ("post", "put", "delete")):
            status = answered(browser, method, route, acme_things)
            assert status in {403, 404, 405, 410}, f"{role}: {method} {route.path} answered {status}"


def test_roles_without_keys_reach_none_of_their_routes(acme, acme_things):
    theirs = [route for route in OURS if route.name.startswith("sdk_keys:") or "api/auth/api-keys" in route.path]
    assert theirs

    for role in (Role.VIEWER, Role.FINANCE):
        browser = Browser(make.member(acme, f"{role}@acme.example", role))
        for route, method in product(theirs, METHODS):
            status = answered(browser, method, route, acme_things)
            assert status in {403, 405}, f"{role}: {method} {route.path} answered {status}"


def test_every_role_sees_costs(acme, acme_things):
    paths = (
        "/customers/",
        "/agents/",
        "/runs/",
        "/attribution/measured/team/",
        "/dashboard/",
        "/usage/",
        "/optimization/",
        "/providers/",
        "/settings/team/",
    )
    for role in Role:
        browser = Browser(make.member(acme, f"{role}@acme.example", role))
        for path in paths:
            assert browser.get(path).status_code == 200, f"{role}: {path}"
