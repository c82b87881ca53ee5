"""What SCIM's routes answer, inside the organization's scope."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from pydantic import ValidationError
from scim2_models import Context, Error, SCIMException

from accounts.models import Membership, Organization
from accounts.scim import filtering, groups, people, shapes
from accounts.scim.kept import DirectoryGroup, DirectoryGroupMember, DirectoryUser
from accounts.scim.reading import (
    LISTS,
    MOST_ON_ALL,
    PARAMETERS,
    after,
    asked,
    body_of,
    member_keys,
    parameters,
    patch_of,
    split,
)
from accounts.scim.refusals import Fixed, Missing, Refused, Unreadable

MOST_MEMBERS = 20_000  # of all groups of one page
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
    patch_of(body_of(request), shapes.User).patch(user)
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
    total, page = cut(rows.annotate(people=Count("members")), wanted)
    keys = member_keys(wanted)
    page = not_too_many(page) if keys else page
    body = listed([shapes.group_of(row) for row in page], shapes.Group, total, wanted)
    if keys:
        inside = ids_of(organization, page)
        for row, told in zip(page, body["Resources"], strict=True):
            put_members(told, inside.get(row.pk, []), keys)
    return body, 200


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
    """Reads those members alone that it tells of, and answers nothing: each of a large group would take long."""
    row = locked(DirectoryGroup, organization, pk)
    patch = patch_of(body_of(request), shapes.Group)
    others, steps = split(patch.operations)
    if steps is None:
        if len(patch.operations) > MOST_ON_ALL:
            raise Unreadable(f"Send at most {MOST_ON_ALL} operations at a time on all members of a group.")
        group = shapes.group_of(row, row.members.values_list("person_id", flat=True))
        patch.patch(group)
        groups.change(organization, row, shapes.told_by_group(group))
    else:
        group = shapes.group_of(row)
        if others:
            patch.model_copy(update={"operations": others}).patch(group)
        among = {UUID(each) for _, ids in steps for each in ids if filtering.is_uuid(each)}
        held = row.members.filter(person_id__in=among).values_list("person_id", flat=True)
        told = replace(shapes.told_by_group(group), members=after(steps, [str(each) for each in held]))
        groups.change(organization, row, told, among=among)
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


# How it is sent


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
    row = DirectoryGroup.objects.owned_by(organization).get(pk=pk)
    body = sent(shapes.group_of(row), request, context)
    if keys := member_keys(PARAMETERS[shapes.Group].model_validate(parameters(request))):
        put_members(body, ids_of(organization, [row]).get(row.pk, []), keys)
    return body


def put_members(body: dict[str, Any], members: list[UUID], keys: Collection[str]) -> None:
    if members:
        body["members"] = shapes.members_of(members, keys)


def not_too_many(page: list[Any]) -> list[Any]:
    """A page of groups has less of them where they hold many people; whoever asks goes on behind the last one."""
    people = 0
    shown: list[Any] = []
    for row in page:
        people += row.people
        if shown and people > MOST_MEMBERS:
            break
        shown.append(row)
    return shown


def sent(
    resource: Any, request: HttpRequest | None = None, context: Context = Context.RESOURCE_QUERY_RESPONSE
) -> dict[str, Any]:
    wanted = PARAMETERS[type(resource)].model_validate(parameters(request)) if request else None
    body: dict[str, Any] = resource.model_dump(scim_ctx=context, response_parameters=wanted)
    return body


# Rows

GROUPS = Prefetch("groups", DirectoryGroupMember.objects.select_related("group").order_by("pk"))


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


def ids_of(organization: Organization, rows: list[DirectoryGroup]) -> dict[UUID, list[UUID]]:
    """Who is in these groups."""
    inside = DirectoryGroupMember.objects.owned_by(organization).filter(group__in=rows).order_by("pk")
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for group, person in inside.values_list("group_id", "person_id"):
        found[group].append(person)
    return found


def current_user(organization: Organization, row: DirectoryUser) -> shapes.User:
    return shapes.user_of(row, is_active=bool(active_of(organization, [row])))


def active_of(organization: Organization, rows: list[DirectoryUser]) -> set[Any]:
    mine = Membership.objects.filter(organization=organization, user__in=[row.user_id for row in rows])
    return set(mine.values_list("user_id", flat=True))
