"""Anthropic's organization API: who may ask, the lists, and the way to analytics and reports."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from .anthropic_analytics import AnthropicAnalytics
from .anthropic_reports import AnthropicReports
from .anthropic_time import show_time
from .wire import FACTS, Answer, Cursors, Parameters, Refused, Request, encode
from .world import AdminKey, AnthropicAccount, ApiKey, User, Workspace, World

RULES = FACTS["anthropic"]
_ROUTES = re.compile(
    r"/v1/organizations/(?:(?P<me>me)|(?P<list>workspaces|api_keys|users)|analytics/(?P<analytics>usage|cost)"
    r"|(?P<usage>usage_report/messages)|(?P<cost>cost_report))/?"
)


class _Desk:
    """Everything that answers for one account."""

    def __init__(self, account: AnthropicAccount, cursors: Cursors) -> None:
        self.account = account
        self.analytics = AnthropicAnalytics(account, cursors)
        self.reports = AnthropicReports(account, self.analytics, cursors)


class Anthropic:
    """Answers for every Anthropic account of the world."""

    name = "anthropic"

    def __init__(self, world: Callable[[], World], cursors: Cursors) -> None:
        self._world = world
        self._cursors = cursors
        self._desks: dict[int, _Desk] = {}

    def owner(self, request: Request) -> AnthropicAccount | None:
        """Whose key this is, also when it may not be used."""
        found = self._find_key(request)
        return found[0] if found else None

    def with_key_of(self, request: Request, account: AnthropicAccount) -> Request:
        """The same request as if another account had sent it."""
        headers = {**request.headers, "x-api-key": account.key, "authorization": ""}
        return Request(request.method, request.path, request.query, headers)

    def answer(self, request: Request) -> Answer:
        try:
            answer = Answer(200, self._answer(request))
        except Refused as refusal:
            return self.refuse(refusal)
        answer.headers["request-id"] = _request_id()
        return answer

    def refuse(self, refusal: Refused) -> Answer:
        kind = refusal.kind or RULES["error_types"].get(str(refusal.status))
        fallback = "api_error" if refusal.status >= 500 else "invalid_request_error"
        number = _request_id()
        error = {"type": kind or fallback, "message": refusal.message}
        body = encode({"type": "error", "error": error, "request_id": number})
        return Answer(refusal.status, body, {"request-id": number, **refusal.headers})

    def wave(self) -> Refused:
        """A false alarm on a working key."""
        return Refused(401, "invalid x-api-key")

    def _answer(self, request: Request) -> bytes:
        route = _ROUTES.fullmatch(request.path)
        if route is None:
            raise Refused(404, f"Not found: {request.path}")
        version = request.headers.get("anthropic-version")
        if version not in RULES["versions"]:
            complaint = f'"{version}" is not a valid version' if version else "header is required"
            raise Refused(400, f"anthropic-version: {complaint}")
        account, key = self._authenticate(request)
        if request.method != "GET":
            raise Refused(405, "Method Not Allowed", kind="invalid_request_error")
        is_list = bool(route["me"] or route["list"])
        self._authorize(account, key, is_analytics=bool(route["analytics"]), is_list=is_list)
        now = self._world().clock()
        if route["analytics"]:
            if refused := account.settings.analytics_refused_with:
                raise Refused(refused, "The usage and cost analytics API is not available here.")
            if RULES["beta"] not in request.headers.get("anthropic-beta", ""):
                raise Refused(400, f"This endpoint requires the anthropic-beta header {RULES['beta']}")
            return self._desk(account).analytics.answer(request, route["analytics"], now)
        if route["usage"]:
            return self._desk(account).reports.usage(request, now)
        if route["cost"]:
            return self._desk(account).reports.costs(request, now)
        if route["me"]:
            return encode({"id": account.id, "name": account.name, "type": "organization"})
        return self._list(request, account, route["list"])

    def _desk(self, account: AnthropicAccount) -> _Desk:
        desk = self._desks.get(id(account))
        if desk is None or desk.account is not account:
            desk = self._desks[id(account)] = _Desk(account, self._cursors)
        return desk

    def _find_key(self, request: Request) -> tuple[AnthropicAccount, AdminKey] | None:
        # The newest SDK sends keys as bearer tokens too; an OAuth token never passes as a key.
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        secret = request.headers.get("x-api-key", "")
        for account in self._world().anthropic_accounts:
            for key in account.keys:
                given = (bearer,) if key.kind == "oauth" else (secret, bearer)
                if key.value in given and not key.deleted:
                    return account, key
        return None

    def _authenticate(self, request: Request) -> tuple[AnthropicAccount, AdminKey]:
        found = self._find_key(request)
        if found is None:
            raise Refused(401, "invalid x-api-key")
        return found

    def _authorize(self, account: AnthropicAccount, key: AdminKey, *, is_analytics: bool, is_list: bool) -> None:
        """Admin keys read everything; the others what their kind and scopes allow."""
        may = {
            "admin": True,
            "oauth": "org:admin" in key.scopes,
            "enterprise": is_analytics and "read:analytics" in key.scopes,
            "unbound": not is_list,
        }.get(key.kind, False)
        if may:
            return
        if key.kind == "workspace" and account.settings.wrong_key_status == 401:
            raise Refused(401, "invalid x-api-key")
        raise Refused(403, "This API key does not have permission to use this endpoint.")

    def _list(self, request: Request, account: AnthropicAccount, kind: str) -> bytes:
        lists = {"workspaces": {"ids"}, "users": {"roles"}}.get(kind, set())
        special = {
            "workspaces": {"include_archived", "include_default"},
            "api_keys": {"status", "workspace_id", "created_by_user_id"},
            "users": {"email"},
        }[kind]
        asked = Parameters(request.pairs, lists=lists, brackets="required")
        if account.settings.strict_parameters:
            asked.refuse_unknown(lists | special | {"limit", "after_id", "before_id", "beta"})
        limit = asked.number("limit", default=RULES["lists"]["default"], least=1, most=RULES["lists"]["max"])
        make = {"workspaces": _workspaces, "api_keys": _api_keys, "users": _users}[kind]
        items = make(account, asked)
        return encode(_envelope(items, limit or 1, asked.one("after_id"), asked.one("before_id")))


def _request_id() -> str:
    return f"req_{uuid4().hex}"


def _envelope(items: list[dict[str, Any]], limit: int, after: str | None, before: str | None) -> dict[str, Any]:
    places = {item["id"]: number for number, item in enumerate(items)}
    if (after and after not in places) or (before and before not in places):
        raise Refused(400, "after_id: no such object" if after else "before_id: no such object")
    if before:
        end = places[before]
        shown, has_more = items[max(0, end - limit) : end], end > limit
    else:
        start = places[after] + 1 if after else 0
        shown, has_more = items[start : start + limit], start + limit < len(items)
    return {
        "data": shown,
        "has_more": has_more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _workspaces(account: AnthropicAccount, asked: Parameters) -> list[dict[str, Any]]:
    ids = asked.many("ids")
    archived, default = asked.flag("include_archived"), asked.flag("include_default")
    return [
        _workspace(space)
        for space in account.workspaces
        if (archived or space.archived_at is None)
        and (default or not space.is_default)
        and (not ids or space.id in ids)
    ]


def _workspace(space: Workspace) -> dict[str, Any]:
    return {
        "id": space.id,
        "type": "workspace",
        "name": space.name,
        "created_at": show_time(space.created_at),
        "archived_at": show_time(space.archived_at) if space.archived_at else None,
        "display_color": space.display_color,
        "compartment_id": f"cmpt_{space.id[-6:]}",
        "data_residency": {
            "allowed_inference_geos": "unrestricted",
            "default_inference_geo": "global",
            "workspace_geo": "us",
        },
        "external_key_id": None,
        "tags": dict(space.tags),
    }


def _api_keys(account: AnthropicAccount, asked: Parameters) -> list[dict[str, Any]]:
    status = asked.choice("status", ["active", "inactive", "archived", "expired"])
    workspace, creator = asked.one("workspace_id"), asked.one("created_by_user_id")
    return [
        _api_key(key, account.default_workspace)
        for key in account.api_keys
        if (status is None or key.status == status)
        and (workspace is None or key.home == workspace)
        and (creator is None or key.owner == creator)
    ]


def _api_key(key: ApiKey, default_workspace: str | None) -> dict[str, Any]:
    scope = {"type": "workspace", "workspace_id": key.home} if key.home else {"type": "organization"}
    return {
        "id": key.id,
        "type": "api_key",
        "name": key.name,
        "status": key.status,
        "created_at": show_time(key.created_at),
        "created_by": {"id": key.owner, "type": "user"} if key.owner else None,
        "expires_at": None,
        "partial_key_hint": f"sk-ant-api03-...{key.id[-4:]}",
        "scope": scope,
        "workspace_id": None if key.home == default_workspace else key.home,
    }


def _users(account: AnthropicAccount, asked: Parameters) -> list[dict[str, Any]]:
    email, roles = asked.one("email"), asked.many("roles")
    return [
        _user(user)
        for user in account.users
        if (email is None or user.email == email) and (not roles or user.role in roles)
    ]


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "type": "user",
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "added_at": show_time(user.added_at),
    }
