"""OpenAI's organization API: who may ask, the lists, and the way to the buckets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from .openai_buckets import OpenAIBuckets
from .wire import FACTS, Answer, Cursors, Parameters, Refused, Request, encode
from .world import AdminKey, ApiKey, OpenAIAccount, User, World

RULES = FACTS["openai"]
_ROUTES = re.compile(
    r"/v1/(?:organization/(?:(?P<costs>costs)|usage/(?P<usage>\w+)|(?P<list>projects|users|admin_api_keys)"
    r"|projects/(?P<project>[^/]+)/api_keys)|(?P<models>models))/?"
)


class OpenAI:
    """Answers for every OpenAI account of the world."""

    name = "openai"

    def __init__(self, world: Callable[[], World], cursors: Cursors) -> None:
        self._world = world
        self._cursors = cursors
        self._buckets: dict[int, OpenAIBuckets] = {}

    def owner(self, request: Request) -> OpenAIAccount | None:
        """Whose key this is, also when it may not be used."""
        found = self._find_key(request)
        return found[0] if found else None

    def with_key_of(self, request: Request, account: OpenAIAccount) -> Request:
        """The same request as if another account had sent it."""
        headers = {**request.headers, "authorization": f"Bearer {account.key}"}
        return Request(request.method, request.path, request.query, headers)

    def answer(self, request: Request) -> Answer:
        try:
            return Answer(200, self._answer(request), {"x-request-id": f"req_{uuid4().hex}"})
        except Refused as refusal:
            return self.refuse(refusal)

    def refuse(self, refusal: Refused) -> Answer:
        kinds = {429: "requests", 500: "server_error", 502: "server_error", 503: "server_error"}
        error = {
            "message": refusal.message,
            "type": refusal.kind or kinds.get(refusal.status, "invalid_request_error"),
            "param": refusal.param,
            "code": refusal.code or ("rate_limit_exceeded" if refusal.status == 429 else None),
        }
        headers = {"x-request-id": f"req_{uuid4().hex}", **refusal.headers}
        return Answer(refusal.status, encode({"error": error}), headers)

    def wave(self) -> Refused:
        """The false alarm that working keys met in April 2026."""
        return _missing_scope(401, "api.usage.read")

    def _answer(self, request: Request) -> bytes:
        route = _ROUTES.fullmatch(request.path)
        if route is None:
            raise Refused(404, f"Invalid URL ({request.method} {request.path})", code="unknown_url")
        account, key = self._authenticate(request)
        if request.method != "GET":
            raise Refused(405, f"Not allowed to {request.method} on {request.path}.")
        settings = account.settings
        if route["models"]:
            if key.kind == "admin":
                raise _missing_scope(settings.scope_status, "api.model.read")
            return encode({"object": "list", "data": [_model()]})
        scope = "api.usage.read" if route["costs"] or route["usage"] else "api.management.read"
        if key.kind != "admin" or scope not in key.scopes:
            raise _missing_scope(settings.scope_status, scope)
        now = self._world().clock()
        if route["costs"]:
            return self._desk(account).costs(request, now)
        if route["usage"]:
            if route["usage"] not in RULES["usage"]:
                raise Refused(404, f"Invalid URL (GET {request.path})", code="unknown_url")
            return self._desk(account).usage(request, route["usage"], now)
        return self._list(request, account, route["list"], route["project"])

    def _desk(self, account: OpenAIAccount) -> OpenAIBuckets:
        desk = self._buckets.get(id(account))
        if desk is None or desk.account is not account:
            desk = self._buckets[id(account)] = OpenAIBuckets(account, self._cursors)
        return desk

    def _find_key(self, request: Request) -> tuple[OpenAIAccount, AdminKey] | None:
        secret = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        for account in self._world().openai_accounts:
            for key in account.keys:
                if key.value == secret and not key.deleted:
                    return account, key
        return None

    def _authenticate(self, request: Request) -> tuple[OpenAIAccount, AdminKey]:
        found = self._find_key(request)
        if found is not None:
            return found
        shown = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not shown:
            raise Refused(401, "You didn't provide an API key in the Authorization header.")
        masked = f"{shown[:8]}{'*' * 12}{shown[-4:]}"
        raise Refused(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")

    def _list(self, request: Request, account: OpenAIAccount, kind: str | None, project: str | None) -> bytes:
        asked = Parameters(request.pairs, lists={"emails"}, brackets="optional")
        special = {"projects": {"include_archived"}, "admin_api_keys": {"order"}, "users": {"emails"}}
        if account.settings.strict_parameters:
            asked.refuse_unknown({"limit", "after"} | special.get(kind or "", {"owner_project_access"}))
        limit = asked.number("limit", default=RULES["lists"]["default"], least=1, most=RULES["lists"]["max"])
        if project is not None:
            access = asked.choice("owner_project_access", ["active", "inactive", "any"], "any")
            keys = _project_keys(account, project)
            items = [key for key in keys if access in ("any", key["owner_project_access"])]
        elif kind == "projects":
            items = _projects(account, with_archived=bool(asked.flag("include_archived")))
        elif kind == "users":
            emails = asked.many("emails")
            items = [_user(user) for user in account.users if not emails or user.email in emails]
        else:
            newest_first = asked.choice("order", ["asc", "desc"], "asc") == "desc"
            admins = [key for key in account.keys if key.kind == "admin" and not key.deleted]
            items = [_admin_key(key, account) for key in (reversed(admins) if newest_first else admins)]
        return encode(_envelope(items, limit or 1, asked.one("after")))


def _missing_scope(status: int, scope: str) -> Refused:
    return Refused(
        status,
        f"You have insufficient permissions for this operation. Missing scopes: {scope}. Check that you "
        "have the correct role in your organization and that a restricted key has the necessary scopes.",
    )


def _envelope(items: list[dict[str, Any]], limit: int, after: str | None) -> dict[str, Any]:
    place = 0
    if after:
        places = [number for number, item in enumerate(items) if item["id"] == after]
        if not places:
            raise Refused(400, f"No object '{after}' to continue after.", param="after", code="invalid_value")
        place = places[0] + 1
    shown = items[place : place + limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": place + limit < len(items),
    }


def _projects(account: OpenAIAccount, *, with_archived: bool) -> list[dict[str, Any]]:
    return [
        {
            "id": project.id,
            "object": "organization.project",
            "name": project.name,
            "created_at": project.created_at,
            "archived_at": project.archived_at,
            "status": "archived" if project.archived_at else "active",
            "external_key_id": None,
            "residency": "GLOBAL",
        }
        for project in account.projects
        if with_archived or not project.archived_at
    ]


def _project_keys(account: OpenAIAccount, project: str) -> list[dict[str, Any]]:
    if all(known.id != project for known in account.projects):
        raise Refused(404, f"Project '{project}' not found.", code="not_found")
    people = {user.id: user for user in account.users}
    return [
        {
            "id": key.id,
            "object": "organization.project.api_key",
            "name": key.name,
            "redacted_value": f"sk-proj-********{key.id[-4:]}",
            "created_at": key.created_at,
            "last_used_at": key.last_used_at,
            "expires_at": None,
            "owner": _owner(people.get(key.owner or ""), key),
            "owner_project_access": "active" if key.status == "active" else "inactive",
        }
        for key in account.api_keys
        if key.home == project
    ]


def _owner(user: User | None, key: ApiKey) -> dict[str, Any]:
    if user is None:
        robot = {"id": f"svc_{key.id}", "name": key.name, "created_at": key.created_at, "role": "member"}
        return {"type": "service_account", "service_account": robot}
    person = {"id": user.id, "name": user.name, "email": user.email, "created_at": user.added_at}
    return {"type": "user", "user": {**person, "role": "member"}}


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "object": "organization.user",
        "name": user.name,
        "email": user.email,
        "role": user.role if user.role in ("owner", "reader") else "reader",
        "added_at": user.added_at,
    }


def _admin_key(key: AdminKey, account: OpenAIAccount) -> dict[str, Any]:
    owner = account.users[0] if account.users else User("user_owner", "Owner", "owner@example.test", "owner")
    return {
        "id": key.id,
        "object": "organization.admin_api_key",
        "name": key.name,
        "redacted_value": f"{key.value[:9]}...{key.value[-4:]}",
        "created_at": key.created_at,
        "expires_at": None,
        "last_used_at": None,
        "owner": {
            "type": "user",
            "object": "organization.user",
            "id": owner.id,
            "name": owner.name,
            "created_at": owner.added_at,
            "role": "owner",
        },
    }


def _model() -> dict[str, Any]:
    return {"id": "gpt-5-mini-2025-08-07", "object": "model", "created": 1_754_524_800, "owned_by": "system"}
