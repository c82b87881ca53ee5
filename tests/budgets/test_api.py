"""Budgets over JSON, for people and for programs."""

import json
from decimal import Decimal

import pytest

from accounts.permissions import Role
from budgets import knowing, prompting
from budgets.models import Budget
from tests import make
from tests.conftest import Browser
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

JSON = "application/json"


def put(browser, path, body, method="put", **headers):
    return getattr(browser, method)(path, json.dumps(body), content_type=JSON, **headers)


def test_the_organizations_own_budget_is_not_there_made_and_changed(acme, alices, spend):
    spend("30.5")
    assert alices.get("/api/usage/budget").status_code == 404

    made = put(alices, "/api/usage/budget", {"amount": "50"}).json()
    changed = put(alices, "/api/usage/budget", {"amount": "61.000001", "thresholds": [50]}).json()

    assert made["id"] == changed["id"] == alices.get("/api/usage/budget").json()["id"]
    assert made["standings"] == [
        {
            "value": "",
            "spent": "30.50",
            "limit": "50.00",
            "share": "0.610000",
            "thresholdsCrossed": [50],
            "basis": "measured",
            "unpricedTokens": 0,
            "raisedUntil": None,
        }
    ]
    assert (changed["amount"], changed["currency"], changed["thresholds"], changed["version"]) == (
        "61.000001", "USD", [50], 2,
    )  # fmt: skip
    assert (made["periodStart"], made["periodEnd"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")


def test_a_measured_budget_is_not_the_organizations_own(acme, alices):
    measured = make.budget(acme, "10", ledger="measured")

    made = put(alices, "/api/usage/budget", {"amount": "50"}).json()

    assert made["id"] != str(measured.pk)
    with organization_scope(acme.pk):
        measured.refresh_from_db()
        assert (measured.ledger, measured.amount, measured.is_of_organization) == ("measured", 10, False)


def test_a_budget_of_any_scope_is_created_listed_changed_and_archived(acme, alices, spend):
    spend("3", customerId="globex")
    body = {"name": "Globex", "ledger": "measured", "scope": {"customer": ["globex"]}, "amount": "10", "period": "week"}

    made = put(alices, "/api/budgets", body, "post")
    assert made.status_code == 201
    path = f"/api/budgets/{made.json()['id']}"
    assert [each["name"] for each in alices.get("/api/budgets").json()["items"]] == ["Globex"]

    changed = put(alices, path, {"amount": "20", "version": 1}, "patch").json()
    assert (changed["amount"], changed["scope"], changed["period"]) == ("20.00", {"customer": ["globex"]}, "week")
    assert put(alices, path, {"amount": "30", "version": 1}, "patch").status_code == 409
    another = put(alices, path, {"period": "month"}, "patch")
    assert (another.status_code, another.json()["error"]["code"]) == (422, "another_budget")

    put(alices, path, {"archived": True}, "patch")
    assert alices.get("/api/budgets").json()["items"] == []
    assert len(alices.get("/api/budgets?archived=true").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": "10"}, "invalid_field"),
        ({"name": "A", "amount": "0"}, "invalid_field"),
        ({"name": "A", "amount": "10", "mode": "stop"}, "invalid_field"),
        ({"name": "A", "amount": "10", "mode": "block", "scope": {"user": ["june"]}}, "invalid_field"),
        ({"name": "A", "amount": "10", "spent": "0"}, "invalid_field"),
        ({"name": "A", "amount": "10", "period": "custom"}, "invalid_field"),
        ({"name": "A", "amount": "10", "thresholds": list(range(1, 12))}, "invalid_field"),
        ({"name": "A", "amount": "10", "unit": "tokens", "amount ": "1"}, "invalid_field"),
        ({"name": "A", "amount": "10", "scope": {"customer": ["globex"]}}, "invalid_field"),
        ({"name": "A", "amount": "10", "ledger": "measured", "scope": {"customer": ["nobody"]}}, "scope_never_matches"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(acme, alices, body, code):
    answer = put(alices, "/api/budgets", body, "post")

    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["fields"]


def test_programs_read_with_scope_read_and_change_with_scope_admin(acme, alice):
    make.budget(acme, "100")
    reading, managing = (
        {"headers": {"Authorization": f"Bearer {issued(acme, scope, by=alice, name=scope).clear}"}}
        for scope in ("read", "admin")
    )
    browser = Browser()

    assert browser.get("/api/budgets", **reading).status_code == 200
    assert put(browser, "/api/usage/budget", {"amount": "5"}, **reading).status_code == 403
    assert browser.get("/api/budgets", **managing).status_code == 403
    assert put(browser, "/api/usage/budget", {"amount": "5"}, **managing).status_code == 200
    with organization_scope(acme.pk):
        assert Budget.objects.owned_by(acme).get().amount == Decimal(5)


def test_a_member_reads_and_changes_nothing(acme, elsewhere, mallory):
    make.budget(acme, "100")
    member = Browser(make.member(acme, "carol@acme.example", Role.MEMBER))

    assert member.get("/api/usage/budget").status_code == 200
    assert put(member, "/api/usage/budget", {"amount": "5"}).status_code == 403
    assert put(member, "/api/budgets", {"name": "A", "amount": "5"}, "post").status_code == 403
    assert Browser(mallory).get("/api/budgets").json() == {"items": []}


def test_the_longest_prompt_is_read_set_and_lifted(acme, alices, alice):
    path = "/api/budgets/prompt-limit"
    assert alices.get(path).json() == {"tokens": None, "changedAt": None}

    assert put(alices, path, {"tokens": 32_000}).json() == {"tokens": 32_000, "changedAt": "2026-11-20T12:00:00Z"}
    for wrong in ({}, {"tokens": 0}, {"tokens": 100_000_001}, {"tokens": "many"}, {"tokens": 5, "of": "us"}):
        assert put(alices, path, wrong).status_code == 422
    reading = {"headers": {"Authorization": f"Bearer {issued(acme, 'read', by=alice).clear}"}}
    assert Browser().get(path, **reading).json()["tokens"] == 32_000
    assert put(Browser(), path, {"tokens": 5}, **reading).status_code == 403

    assert put(alices, path, {"tokens": None}).json()["tokens"] is None


def test_the_longest_prompt_that_was_set_is_what_checks_refuse_beyond(acme, alice):
    knowing.forget()
    checking = {"headers": {"Authorization": f"Bearer {issued(acme, 'ingest', by=alice).clear}"}}
    with organization_scope(acme.pk):
        prompting.allow(acme, 1_000, by=alice, now=NOON)
        prompting.allow(acme, 500, by=alice, now=NOON)

    body = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 501}}
    refused = put(Browser(), "/api/usage/check", body, "post", **checking)

    assert (refused.status_code, refused.json()["error"]["code"]) == (402, "prompt_too_long")
