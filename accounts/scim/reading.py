"""What a directory asks, read as the library understands it: pages and filters, bodies, patches."""

import json
import re
from collections.abc import Collection
from typing import Any, TypeGuard
from uuid import UUID

from django.http import HttpRequest
from scim2_models import Context, ListResponse, PatchOp, ResourceType, ResponseParameters, Schema, SearchRequest

from accounts.scim import filtering, shapes
from accounts.scim.refusals import Unreadable

MOST_OPERATIONS: dict[Any, int] = {shapes.User: 100, shapes.Group: 1_000}  # at a time
MOST_ON_ALL = 5  # members of a group
ONE_MEMBER = re.compile(r'members\[value eq "([^"]+)"\]')
APART = {"id", "displayname", "externalid", "schemas", "meta"}  # of a group, beside its members
OF_A_MEMBER = {"value", "$ref", "display", "type"}
Step = tuple[str, set[str]]  # add or remove, and whom
# the library makes a class for each model that is asked for, and forgets it with its last user
MODELS: tuple[Any, ...] = (*shapes.MODELS, Schema, ResourceType)
MESSAGES: tuple[Any, ...] = (ListResponse, SearchRequest, ResponseParameters, PatchOp)
LISTS, SEARCHES, PARAMETERS, PATCHES = ({model: message[model] for model in MODELS} for message in MESSAGES)


def asked(request: HttpRequest, model: type[Any]) -> Any:
    """Paging, filter and attributes as the query has them."""
    return SEARCHES[model].model_validate(request.GET.dict())


def parameters(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in ("attributes", "excludedAttributes") if name in request.GET}


def member_keys(wanted: Any) -> tuple[str, ...]:
    """What of members is asked for."""
    named, left_out = (
        {str(each).lower().rpartition(":")[2] for each in told or []}
        for told in (wanted.attributes, wanted.excluded_attributes)
    )
    if "members" in left_out:
        return ()
    keys = ("value", "$ref")
    if named and "members" not in named:
        return tuple(key for key in keys if f"members.{key}" in named)
    return tuple(key for key in keys if f"members.{key}" not in left_out)


def patch_of(body: Any, model: type[Any]) -> Any:
    if isinstance(body, dict):
        body = folded(body)
        operations, most = body.get("operations"), MOST_OPERATIONS[model]
        if isinstance(operations, list):
            if len(operations) > most:
                raise Unreadable(f"Send at most {most:,} operations at a time.")
            body["operations"] = [name_what_goes(folded(e)) if isinstance(e, dict) else e for e in operations]
    return PATCHES[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def folded(told: dict[str, Any]) -> dict[str, Any]:
    """The names of attributes have no case."""
    return {name.lower(): value for name, value in told.items()}


def split(operations: list[Any]) -> tuple[list[Any], list[Step] | None]:
    """What is not about members, and the steps by which single members come and go; None where all of them are meant.

    The library looks at each member for each operation. What may be about members in a shape that is not known here
    is left to it.
    """
    others: list[Any] = []
    steps: list[Step] = []
    for each in operations:
        path, verb, value = each.path, each.op.value, each.value
        text = str(path or "").lower()
        if path is None or path.model is not None:
            told = folded(value) if path is None and isinstance(value, dict) else {"": None}
            if not told.keys() <= {"members", *APART}:
                return others, None
            if left := {name: value for name, value in told.items() if name != "members"}:
                others.append(each.model_copy(update={"value": left}))
            if "members" not in told:
                continue
            text, value = "members", told["members"]
        elif (bound := path.resolve()) is None or bound.field_name != "members":
            others.append(each)
            continue
        if verb == "remove" and value is None and (one := ONE_MEMBER.fullmatch(text)):
            steps.append((verb, {canonical(one[1])}))
        elif verb in ("add", "remove") and text == "members" and is_named(value):
            steps.append((verb, {canonical(told["value"]) for told in value}))
        else:
            return others, None
    return others, steps


def after(steps: list[Step], held: Collection[str]) -> frozenset[str]:
    """Whom a group holds then, of those that the steps tell of."""
    left = set(held)
    for verb, ids in steps:
        left = left | ids if verb == "add" else left - ids
    return frozenset(left)


def is_named(value: Any) -> TypeGuard[list[dict[str, str]]]:
    return isinstance(value, list) and all(
        isinstance(each, dict) and each.keys() <= OF_A_MEMBER and isinstance(each.get("value"), str) for each in value
    )


def canonical(text: str) -> str:
    return str(UUID(text)) if filtering.is_uuid(text) else text


def name_what_goes(operation: dict[str, Any]) -> dict[str, Any]:
    """Entra names by `value` what is to be removed, with a `$ref` of null beside it that nothing has."""
    told = operation.get("value")
    if str(operation.get("op")).lower() != "remove" or not isinstance(told, list):
        return operation
    return operation | {"value": [named_by_value(e) if isinstance(e, dict) else e for e in told]}


def named_by_value(told: dict[str, Any]) -> dict[str, Any]:
    value = folded(told).get("value")
    return {"value": value} if isinstance(value, str) else told


def body_of(request: HttpRequest) -> Any:
    """The JSON that the door read, as far as the database can keep it."""
    sent: bytes = request.directory_body  # type: ignore[attr-defined]  # the door set it
    try:
        body = json.loads(sent, parse_constant=no_number)
        written = json.dumps(body, ensure_ascii=False)
        written.encode()
    except (ValueError, RecursionError):
        raise Unreadable("What was sent is no JSON.") from None
    if "\\u0000" in written:
        raise Unreadable("What was sent holds a character that no text has.")
    return body


def no_number(name: str) -> None:
    raise ValueError(name)
