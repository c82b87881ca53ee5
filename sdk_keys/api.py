"""API keys over JSON: for people who are logged in; no key makes, shows or ends keys."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Router, Status

from accounts.gates import api_member, api_recently_proved
from accounts.http import OrgRequest
from accounts.permissions import Permission
from sdk_keys import api_shapes as shapes
from sdk_keys import ending, issuing
from sdk_keys.finding import keys_of
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

router = Router(by_alias=True)


def holder(request: HttpRequest) -> OrgRequest:
    return api_member(request, Permission.MANAGE_OWN_KEYS)


@router.post("/auth/api-keys", auth=holder, response={201: shapes.NewKey}, summary="Make an API key")
def make_key(request: HttpRequest, body: shapes.KeyBody) -> Status[dict[str, Any]]:
    """The key itself is in this answer only. Log in within ten minutes before."""
    member: OrgRequest = request.auth  # type: ignore[attr-defined]  # ninja keeps there what `holder` found
    api_recently_proved(request)
    try:
        with organization_scope(member.organization.pk):
            made = issuing.make(member.membership, **body.model_dump())
    except (issuing.TooManyKeys, issuing.InSample) as reason:
        raise Problem(409, "no_more_keys", str(reason)) from None
    return Status(201, shapes.shown(made.key) | {"key": made.clear})


@router.get("/auth/api-keys", auth=holder, response=shapes.KeyList, summary="API keys")
def all_keys(request: HttpRequest) -> dict[str, Any]:
    """All of the organization for owners and admins, their own for members; ended ones too."""
    member: OrgRequest = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(member.organization.pk):
        return {"items": [shapes.shown(key) for key in keys_of(member.membership)]}


@router.delete("/auth/api-keys/{key_id}", auth=holder, response={204: None}, summary="Revoke an API key")
def revoke_key(request: HttpRequest, key_id: UUID) -> Status[None]:
    """The next request with it is 401; while Redis is away, after five seconds. One that is over stays so."""
    member: OrgRequest = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(member.organization.pk):
        key = keys_of(member.membership).filter(pk=key_id).first()
        if key is None:
            raise Http404
        ending.revoke(key, by=member.user)
    return Status(204, None)
