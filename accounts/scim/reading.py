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
    operations = body.get("Operations") if isinstance(body, dict) else None
    most = MOST_OPERATIONS[model]
    if isinstance(operations, list) and len(operations) > most:
        raise Unreadable(f"Send at most {most:,} operations at a time.")
    for each in operations if isinstance(operations, list) else []:
        name_what_goes(each)
    return PATCHES[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def split(operations: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Step] | None]:
    """What is not about members, and the steps by which single members come and go; None where all of them are meant.

    The library looks at each member for each operation.
    """
    others: list[dict[str, Any]] = []
    steps: list[Step] = []
    for each in operations:
        path, verb, value = str(each.get("path") or "").lower(), str(each["op"]).lower(), each.get("value")
        if not path and isinstance(value, dict):
            about = [key for key in value if "members" in key.lower()]
            if left := {key: told for key, told in value.items() if key not in about}:
                others.append(each | {"value": left})
            if not about:
                continue
            path, value = about[0], value[about[0]] if len(about) == 1 else None
        elif "members" not in path:
            others.append(each)
            continue
        if verb == "remove" and (one := ONE_MEMBER.fullmatch(path)):
            steps.append((verb, {canonical(one[1])}))
        elif verb in ("add", "remove") and path == "members" and is_named(value):
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
    return isinstance(value, list) and all(isinstance(e, dict) and isinstance(e.get("value"), str) for e in value)


def canonical(text: str) -> str:
    return str(UUID(text)) if filtering.is_uuid(text) else text


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
