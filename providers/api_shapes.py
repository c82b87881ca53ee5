"""Connections as programs send and read them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from accounts.api_shapes import Camel, Strict
from providers import progress, windows, wording
from providers.connecting import Connected
from providers.models import EndpointState
from providers.windows import Marks


class ConnectBody(Strict):
    provider: str = Field(max_length=40)
    credentials: dict[str, str]
    name: str = Field("", max_length=100)


class CredentialsBody(Strict):
    credentials: dict[str, str]


class CheckShape(Camel):
    endpoint: str
    ok: bool
    message: str


class ConnectedShape(Camel):
    id: UUID
    provider: str
    name: str
    status: str
    account_name: str
    projects_found: int | None
    checks: list[CheckShape]


class ConnectAnswer(Camel):
    success: bool = True
    connection: ConnectedShape


class ProgressShape(Camel):
    stage: str
    days_read: int
    days_wanted: int
    rows: int


class EndpointShape(Camel):
    endpoint: str
    ok: bool
    message: str
    last_success_at: datetime | None


class ConnectionShape(Camel):
    id: UUID
    provider: str
    name: str
    status: str
    account_name: str
    projects_found: int | None
    progress: ProgressShape
    last_sync_at: datetime | None
    next_sync_at: datetime | None
    problem: str | None
    endpoints: list[EndpointShape]


class ConnectionList(Camel):
    items: list[ConnectionShape]


def connected(done: Connected) -> dict[str, Any]:
    return {"success": True, "connection": of_account(done) | {"status": done.connection.status}}


def of_account(done: Connected) -> dict[str, Any]:
    connection = done.connection
    return {
        "id": connection.pk,
        "provider": connection.provider,
        "name": connection.name,
        "account_name": connection.account_name,
        "projects_found": connection.projects_found,
        "checks": [
            {"endpoint": check.endpoint, "ok": check.ok, "message": check.message} for check in done.account.checks
        ],
    }


def shown(marks: Marks, *, now: datetime) -> dict[str, Any]:
    connection = marks.connection
    reached = progress.of(marks, now=now)
    return {
        "id": connection.pk,
        "provider": connection.provider,
        "name": connection.name,
        "status": connection.status,
        "account_name": connection.account_name,
        "projects_found": connection.projects_found,
        "progress": {
            "stage": reached.stage,
            "days_read": reached.days_read,
            "days_wanted": reached.days_wanted,
            "rows": reached.rows,
        },
        "last_sync_at": connection.last_sync_at,
        "next_sync_at": connection.next_sync_at,
        "problem": wording.problem(marks, now=now),
        "endpoints": [endpoint(state, now) for state in sorted(marks.states.values(), key=position)],
    }


def endpoint(state: EndpointState, now: datetime) -> dict[str, Any]:
    return {
        "endpoint": state.endpoint,
        "ok": state.outcome == "ok",
        "message": wording.endpoint(state, now),
        "last_success_at": state.last_success_at,
    }


def position(state: EndpointState) -> tuple[bool, int]:
    return state.endpoint == windows.NAMES, state.position
