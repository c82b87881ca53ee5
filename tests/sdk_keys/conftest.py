"""What the tests of keys share: one made in a line, and a program that comes with it."""

from typing import Any

import pytest
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client

from accounts.models import Organization, User
from sdk_keys import issuing
from sdk_keys.models import ApiKey
from tokentra.lib.tenancy import organization_scope


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    caches["keys"].clear()
    caches["process"].clear()


def issued(of: Organization, *scopes: str, by: User | None = None, **fields: Any) -> issuing.Issued:
    told: dict[str, Any] = {"name": "Production", "environment": "live"} | fields
    with organization_scope(of.pk):
        return issuing.issue(of, scopes=scopes or ["ingest"], by=by, **told)


def ask(key: str, path: str = "/api/usage/stats", *, client: Client | None = None, **told: Any) -> HttpResponse:
    return (client or Client()).get(path, headers={"Authorization": f"Bearer {key}"}, **told)


def now_of(key: ApiKey) -> ApiKey:
    """The key as it stands in the database."""
    with organization_scope(key.organization_id):
        return ApiKey.objects.get(pk=key.pk)


def code_of(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]
