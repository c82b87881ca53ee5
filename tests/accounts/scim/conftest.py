"""What the tests of the directory share: a token of Acme, and a program that asks with it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import AuditLine, Membership, Organization, User
from accounts.scim import tokens
from accounts.sign_on import setting_up
from tests.accounts.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.accounts.sign_on import proved, turn_on
from tokentra.lib.tenancy import organization_scope

DANA = "dana@acme.example"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
OFF = {"op": "replace", "path": "active", "value": False}
ON = {"op": "replace", "path": "active", "value": True}
USER, GROUP = (f"urn:ietf:params:scim:schemas:core:2.0:{name}" for name in ("User", "Group"))


@dataclass
class Program:
    """An identity provider that holds a token."""

    token: str = field(repr=False)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> HttpResponse:
        return self.client.generic(
            method,
            f"/scim/v2/{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/scim+json",
            headers={"Authorization": f"Bearer {self.token}"},
            query_params=query,
        )

    def get(self, path: str, **query: str) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def add(self, address: str = DANA, **more: Any) -> dict[str, Any]:
        answer = self.ask("POST", "Users", person(address, **more))
        assert answer.status_code == 201, answer.content
        return answer.json()

    def add_group(self, name: str, *members: str) -> str:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in members]}
        answer = self.ask("POST", "Groups", body)
        assert answer.status_code == 201, answer.content
        return answer.json()["id"]

    def patch(self, path: str, *operations: dict[str, Any]) -> HttpResponse:
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})


def person(address: str = DANA, **more: Any) -> dict[str, Any]:
    emails = [{"primary": True, "value": address, "type": "work"}]
    return {"schemas": [USER], "userName": address, "emails": emails, "active": True, "groups": []} | more


def program_of(organization: Organization, *, by: User) -> Program:
    return Program(tokens.make(organization, by=by).clear)


@pytest.fixture
def okta(acme, alice) -> Program:
    """Acme has proved acme.example."""
    proved(acme, by=alice)
    return program_of(acme, by=alice)


@pytest.fixture
def provider(settings):
    with IdentityProvider() as started:
        settings.ALERT_HOSTS = frozenset({started.host})
        yield started


@pytest.fixture
def signed_on(provider, okta, acme, alice) -> IdentityProvider:
    """Acme's people come in by OpenID Connect too."""
    values = {"kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT, "default_role": "member"}
    setting_up.save(acme, values, secret=SECRET, by=alice)
    turn_on(acme, by=alice)
    return provider


def enters(browser: Client) -> bool:
    return browser.get("/settings/team/").status_code == 200


def role_in(organization: Organization, address: str) -> str | None:
    with organization_scope(organization.pk):
        member = Membership.objects.filter(organization=organization, user__email=address).first()
    return member.role if member else None


def lines_of(organization: Organization, action: str = "") -> list[AuditLine]:
    with organization_scope(organization.pk):
        lines = AuditLine.objects.owned_by(organization).select_related("actor").order_by("at", "id")
        return [each for each in lines if action in ("", each.action)]
