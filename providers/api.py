"""Connections over JSON."""

from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router, Status

from accounts.gates import api_asker, api_reader
from accounts.http import Asker
from accounts.permissions import Permission, Scope
from providers import api_shapes as shapes
from providers import connecting, credentials, disconnecting, finding, pausing, rotating
from providers.connectors import CONNECTORS
from providers.connectors.base import Connector, Credentials, Outcome
from providers.forms import OptionalNameForm
from providers.models import Connection
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

router = Router(by_alias=True)


def manager(request: HttpRequest) -> Asker:
    return api_asker(request, Permission.MANAGE_CONNECTIONS, scope=Scope.ADMIN)


@router.post("/providers/connect", auth=manager, response={201: shapes.ConnectAnswer}, summary="Connect a provider")
def connect(request: HttpRequest, body: shapes.ConnectBody) -> Status[dict[str, Any]]:
    """Tries the credentials at the provider, then seals them and starts the first sync."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # ninja keeps there what `manager` found
    connector = CONNECTORS.get(body.provider)
    if connector is None:
        known = ", ".join(CONNECTORS)
        raise invalid({"provider": [f"Choose one of: {known}."]})
    named = OptionalNameForm({"name": body.name})
    if not named.is_valid():
        raise invalid({"name": [str(each["message"]) for each in named.errors.get_json_data()["name"]]})
    try:
        given = checked(connector, body.credentials)
        name = named.cleaned_data["name"]
        done = connecting.connect(asker.organization, connector, given, name=name, by=asker.person)
    except connecting.NotConnected as reason:
        raise refused(reason) from None
    except connecting.AlreadyConnected as reason:
        raise Problem(409, "already_connected", str(reason), id=str(reason.connection.pk)) from None
    return Status(201, shapes.connected(done))


@router.get("/providers", auth=api_reader, response=shapes.ConnectionList, summary="All connections")
def connections(request: HttpRequest) -> dict[str, Any]:
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    now = timezone.now()
    with organization_scope(asker.organization.pk):
        return {"items": [shapes.shown(marks, now=now) for marks in finding.everything(asker.organization)]}


@router.get("/providers/{connection_id}", auth=api_reader, response=shapes.ConnectionShape, summary="One connection")
def connection(request: HttpRequest, connection_id: UUID) -> dict[str, Any]:
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        return drawn(found(asker, connection_id))


@router.post(
    "/providers/{connection_id}/sync",
    auth=manager,
    response={202: shapes.ConnectionShape},
    summary="Read everything again",
)
def sync(request: HttpRequest, connection_id: UUID) -> Status[dict[str, Any]]:
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        mine = found(asker, connection_id)
        try:
            pausing.resync(mine, by=asker.person)
        except pausing.CannotResume as reason:
            raise Problem(409, "connection_at_rest", str(reason)) from None
        return Status(202, drawn(mine))


@router.post(
    "/providers/{connection_id}/pause",
    auth=manager,
    response=shapes.ConnectionShape,
    summary="Stop reading for now",
)
def pause(request: HttpRequest, connection_id: UUID) -> dict[str, Any]:
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        mine = found(asker, connection_id)
        pausing.pause(mine, by=asker.person)
        return drawn(mine)


@router.post("/providers/{connection_id}/resume", auth=manager, response=shapes.ConnectionShape, summary="Read again")
def resume(request: HttpRequest, connection_id: UUID) -> dict[str, Any]:
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        mine = found(asker, connection_id)
        try:
            pausing.resume(mine, by=asker.person)
        except pausing.CannotResume as reason:
            raise Problem(409, "connection_at_rest", str(reason)) from None
        return drawn(mine)


@router.put(
    "/providers/{connection_id}/credentials",
    auth=manager,
    response=shapes.ConnectionShape,
    summary="Replace the key",
)
def replace(request: HttpRequest, connection_id: UUID, body: shapes.CredentialsBody) -> dict[str, Any]:
    """Tries the new credentials first; they must lead to the same account."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        mine = found(asker, connection_id)
    try:
        given = checked(CONNECTORS[mine.provider], body.credentials)
        rotating.replace_credentials(asker.organization, mine, given, by=asker.person)
    except connecting.NotConnected as reason:
        raise refused(reason) from None
    except rotating.OtherAccount as reason:
        raise Problem(409, "other_account", str(reason)) from None
    except connecting.AlreadyConnected as reason:
        raise Problem(409, "already_connected", str(reason), id=str(reason.connection.pk)) from None
    except pausing.CannotResume as reason:
        raise Problem(409, "connection_at_rest", str(reason)) from None
    with organization_scope(asker.organization.pk):
        return drawn(found(asker, connection_id))


@router.delete("/providers/{connection_id}", auth=manager, response={204: None}, summary="Disconnect")
def disconnect(request: HttpRequest, connection_id: UUID, data: Literal["keep", "delete"] = "keep") -> Status[None]:
    """Destroys the key at once; `data=delete` also deletes everything that was read."""
    asker: Asker = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asker.organization.pk):
        disconnecting.disconnect(asker.organization, found(asker, connection_id), data=data, by=asker.person)
    return Status(204, None)


def found(asker: Asker, connection_id: UUID) -> Connection:
    mine = Connection.objects.owned_by(asker.organization).filter(pk=connection_id).first()
    if mine is None:
        raise Http404
    return mine


def drawn(connection: Connection) -> dict[str, Any]:
    connection.refresh_from_db()
    return shapes.shown(finding.marks_of(connection), now=timezone.now())


def checked(connector: Connector, given: dict[str, str]) -> Credentials:
    try:
        return credentials.cleaned(connector, given)
    except credentials.Refused as reason:
        raise invalid({f"credentials.{name}": messages for name, messages in reason.fields.items()}) from None


def invalid(fields: dict[str, list[str]]) -> Problem:
    named = ", ".join(sorted(fields))
    return Problem(422, "invalid_field", f"Correct these fields and send it again: {named}.", fields=fields)


def refused(reason: connecting.NotConnected) -> Problem:
    if reason.is_for_later:
        headers = {"Retry-After": "60"}
        return Problem(503, "provider_unavailable", reason.message, headers=headers)
    code = "wrong_key_kind" if reason.outcome is Outcome.WRONG_KEY_KIND else "invalid_credentials"
    return Problem(400, code, reason.message)
