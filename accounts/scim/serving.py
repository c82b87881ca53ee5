"""What SCIM's routes answer, inside the organization's scope."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ListResponse,
    PatchOp,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    SearchRequest,
)

from accounts.models import Membership, Organization
from accounts.scim import filtering, groups, people, shapes
from accounts.scim.kept import DirectoryGroup, DirectoryGroupMember, DirectoryUser
from accounts.scim.refusals import Fixed, Missing, Refused, Unreadable

MOST_OPERATIONS = 1_000
# the library makes a class for each model that is asked for, and forgets it with its last user
MODELS: tuple[Any, ...] = (*shapes.MODELS, Schema, ResourceType)
MESSAGES: tuple[Any, ...] = (ListResponse, SearchRequest, ResponseParameters, PatchOp)
LISTS, SEARCHES, PARAMETERS, PATCHES = ({model: message[model] for model in MODELS} for message in MESSAGES)
Answer = tuple[dict[str, Any] | None, int]  # a body, and a status


def answer(request: HttpRequest, organization: Organization, what: str, pk: str) -> Answer:
    """Raises Refused."""
    try:
        with shapes.POLICY:
            return ROUTES[what, request.method or ""](request, organization, pk)
    except ValidationError as wrong:
        raise refusal(Error.from_validation_errors(wrong)[0]) from None
    except SCIMException as wrong:
        raise refusal(wrong.to_error()) from None
    except RecursionError:
        raise Unreadable("What was sent is nested too deeply.") from None


def refusal(error: Error) -> Refused:
    refused = Refused((error.detail or "This cannot be done.")[:500])
    refused.status, refused.kind = error.status or 400, error.scim_type or ""
    return refused


# Users


def list_users(request: HttpRequest, organization: Organization, _: str) -> Answer:
    wanted = asked(request, shapes.User)
    rows = DirectoryUser.objects.owned_by(organization).order_by("created_at", "pk")
    if wanted.filter:
        rows = rows.filter(filtering.question(organization, str(wanted.filter), shapes.User))
    total, page = cut(rows.prefetch_related(GROUPS), wanted)
    active = active_of(organization, page)
    found = [shapes.user_of(row, is_active=row.user_id in active) for row in page]
    return listed(found, shapes.User, total, wanted), 200


def add_user(request: HttpRequest, organization: Organization, _: str) -> Answer:
    user = shapes.User.model_validate(body_of(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    row = people.create(organization, shapes.told_by(user))
    return shown_user(request, organization, row.pk, Context.RESOURCE_CREATION_RESPONSE), 201


def one_user(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    return shown_user(request, organization, row_of(DirectoryUser, organization, pk).pk), 200


def replace_user(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    """Without `active` they stay what they are."""
    row = locked(DirectoryUser, organization, pk)
    user = shapes.User.model_validate(body_of(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    user.replace(current_user(organization, row))
    people.change(organization, row, shapes.told_by(user))
    return shown_user(request, organization, row.pk, Context.RESOURCE_REPLACEMENT_RESPONSE), 200


def patch_user(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    row = locked(DirectoryUser, organization, pk)
    user = current_user(organization, row)
    patch_of(request, shapes.User).patch(user)
    if user.active is None:
        raise Fixed("active says whether they are a member: set it to true or false.")
    people.change(organization, row, shapes.told_by(user))
    return shown_user(request, organization, row.pk, Context.RESOURCE_PATCH_RESPONSE), 200


def remove_user(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    people.remove(organization, locked(DirectoryUser, organization, pk))
    return None, 204


# Groups


def list_groups(request: HttpRequest, organization: Organization, _: str) -> Answer:
    wanted = asked(request, shapes.Group)
    rows = DirectoryGroup.objects.owned_by(organization).order_by("created_at", "pk")
    if wanted.filter:
        rows = rows.filter(filtering.question(organization, str(wanted.filter), shapes.Group))
    with_members = wants_members(wanted)
    total, page = cut(rows.prefetch_related(MEMBERS) if with_members else rows, wanted)
    found = [shapes.group_of(row, with_members=with_members) for row in page]
    return listed(found, shapes.Group, total, wanted), 200


def add_group(request: HttpRequest, organization: Organization, _: str) -> Answer:
    group = shapes.Group.model_validate(body_of(request), scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    row = groups.create(organization, shapes.told_by_group(group))
    return shown_group(request, organization, row.pk, Context.RESOURCE_CREATION_RESPONSE), 201


def one_group(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    return shown_group(request, organization, row_of(DirectoryGroup, organization, pk).pk), 200


def replace_group(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    row = locked(DirectoryGroup, organization, pk)
    group = shapes.Group.model_validate(body_of(request), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    groups.change(organization, row, shapes.told_by_group(group))
    return shown_group(request, organization, row.pk, Context.RESOURCE_REPLACEMENT_RESPONSE), 200


def patch_group(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    """Answers nothing: of a large group that would be much, each time that somebody comes or goes."""
    row = locked(DirectoryGroup, organization, pk)
    group = shapes.group_of(with_members_of(row.pk, organization))
    patch_of(request, shapes.Group).patch(group)
    groups.change(organization, row, shapes.told_by_group(group))
    if "attributes" not in request.GET:
        return None, 204
    return shown_group(request, organization, row.pk, Context.RESOURCE_PATCH_RESPONSE), 200


def remove_group(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    groups.remove(organization, locked(DirectoryGroup, organization, pk))
    return None, 204


# What this service is


def service(request: HttpRequest, organization: Organization, _: str) -> Answer:
    return sent(shapes.service()), 200


def kinds(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    return described(request, shapes.resource_types(), pk)


def schemas(request: HttpRequest, organization: Organization, pk: str) -> Answer:
    return described(request, shapes.schemas(), pk)


def described(request: HttpRequest, found: list[Any], pk: str) -> Answer:
    if pk:
        one = next((each for each in found if str(each.id).lower() == pk.lower()), None)
        if one is None:
            raise Missing
        return sent(one), 200
    lists = LISTS[type(found[0])]
    response = lists(total_results=len(found), start_index=1, items_per_page=len(found), resources=found)
    return response.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE), 200


ROUTES: dict[tuple[str, str], Callable[[HttpRequest, Organization, str], Answer]] = {
    ("users", "GET"): list_users,
    ("users", "POST"): add_user,
    ("user", "GET"): one_user,
    ("user", "PUT"): replace_user,
    ("user", "PATCH"): patch_user,
    ("user", "DELETE"): remove_user,
    ("groups", "GET"): list_groups,
    ("groups", "POST"): add_group,
    ("group", "GET"): one_group,
    ("group", "PUT"): replace_group,
    ("group", "PATCH"): patch_group,
    ("group", "DELETE"): remove_group,
    ("service", "GET"): service,
    ("kinds", "GET"): kinds,
    ("schemas", "GET"): schemas,
}


# What is asked, and how it is sent


def asked(request: HttpRequest, model: type[Any]) -> Any:
    """Paging, filter and attributes as the query has them."""
    return SEARCHES[model].model_validate(request.GET.dict())


def cut(rows: QuerySet[Any], wanted: Any) -> tuple[int, list[Any]]:
    """How many there are, and one page of them."""
    start = min(max(wanted.start_index_0 or 0, 0), 2**31)
    size = shapes.MOST_OF_A_PAGE if wanted.count is None else min(max(wanted.count, 0), shapes.MOST_OF_A_PAGE)
    return rows.count(), list(rows[start : start + size])


def listed(found: list[Any], model: type[Any], total: int, wanted: Any) -> dict[str, Any]:
    response = LISTS[model](
        total_results=total,
        start_index=max(wanted.start_index or 1, 1),
        items_per_page=len(found),
        resources=found,
    )
    body: dict[str, Any] = response.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=wanted)
    return {"Resources": []} | body


def shown_user(
    request: HttpRequest, organization: Organization, pk: UUID, context: Context = Context.RESOURCE_QUERY_RESPONSE
) -> dict[str, Any]:
    row = DirectoryUser.objects.owned_by(organization).prefetch_related(GROUPS).get(pk=pk)
    return sent(current_user(organization, row), request, context)


def shown_group(
    request: HttpRequest, organization: Organization, pk: UUID, context: Context = Context.RESOURCE_QUERY_RESPONSE
) -> dict[str, Any]:
    wanted = PARAMETERS[shapes.Group].model_validate(parameters(request))
    if wants_members(wanted):
        return sent(shapes.group_of(with_members_of(pk, organization)), request, context)
    row = DirectoryGroup.objects.owned_by(organization).get(pk=pk)
    return sent(shapes.group_of(row, with_members=False), request, context)


def sent(
    resource: Any, request: HttpRequest | None = None, context: Context = Context.RESOURCE_QUERY_RESPONSE
) -> dict[str, Any]:
    wanted = PARAMETERS[type(resource)].model_validate(parameters(request)) if request else None
    body: dict[str, Any] = resource.model_dump(scim_ctx=context, response_parameters=wanted)
    return body


def parameters(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in ("attributes", "excludedAttributes") if name in request.GET}


def wants_members(wanted: Any) -> bool:
    named = {str(each).lower() for each in wanted.attributes or []}
    left_out = {str(each).lower() for each in wanted.excluded_attributes or []}
    return "members" not in left_out and (
        not named or any(each.rpartition(":")[2].startswith("members") for each in named)
    )


def patch_of(request: HttpRequest, model: type[Any]) -> Any:
    body = body_of(request)
    operations = body.get("Operations") if isinstance(body, dict) else None
    if isinstance(operations, list) and len(operations) > MOST_OPERATIONS:
        raise Unreadable(f"Send at most {MOST_OPERATIONS:,} operations at a time.")
    for each in operations if isinstance(operations, list) else []:
        name_what_goes(each)
    return PATCHES[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def name_what_goes(operation: Any) -> None:
    """Entra names by `value` what is to be removed, with a `$ref` of null beside it that nothing has."""
    if isinstance(operation, dict) and str(operation.get("op")).lower() == "remove":
        told = operation.get("value")
        if isinstance(told, list):
            operation["value"] = [{"value": e["value"]} if isinstance(e, dict) and "value" in e else e for e in told]


def body_of(request: HttpRequest) -> Any:
    """The JSON that was sent, as far as the database can keep it."""
    try:
        body = json.loads(request.body, parse_constant=no_number)
        written = json.dumps(body, ensure_ascii=False)
        written.encode()
    except (ValueError, RecursionError):
        raise Unreadable("What was sent is no JSON.") from None
    if "\\u0000" in written:
        raise Unreadable("What was sent holds a character that no text has.")
    return body


def no_number(name: str) -> None:
    raise ValueError(name)


# Rows

GROUPS = Prefetch("groups", DirectoryGroupMember.objects.select_related("group").order_by("pk"))
MEMBERS = Prefetch("members", DirectoryGroupMember.objects.order_by("pk"))


def row_of(model: type[Any], organization: Organization, pk: str) -> Any:
    """Raises Missing for what is another organization's, nobody's, or no id at all."""
    row = model.objects.owned_by(organization).filter(pk=pk).first() if filtering.is_uuid(pk) else None
    if row is None:
        raise Missing
    return row


def locked(model: type[Any], organization: Organization, pk: str) -> Any:
    """One change at a time: what is read now is what is changed."""
    organization.lock()
    return row_of(model, organization, pk)


def with_members_of(pk: UUID, organization: Organization) -> DirectoryGroup:
    return DirectoryGroup.objects.owned_by(organization).prefetch_related(MEMBERS).get(pk=pk)


def current_user(organization: Organization, row: DirectoryUser) -> shapes.User:
    return shapes.user_of(row, is_active=bool(active_of(organization, [row])))


def active_of(organization: Organization, rows: list[DirectoryUser]) -> set[Any]:
    mine = Membership.objects.filter(organization=organization, user__in=[row.user_id for row in rows])
    return set(mine.values_list("user_id", flat=True))
