"""What a directory asks, read as the library understands it: pages and filters, bodies, patches."""

import json
import re
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from scim2_models import Context, ListResponse, PatchOp, ResourceType, ResponseParameters, Schema, SearchRequest

from accounts.scim import filtering, shapes
from accounts.scim.refusals import Unreadable

MOST_OPERATIONS = 1_000
ONE_MEMBER = re.compile(r'members\[value eq "([^"]+)"\]')
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
    if isinstance(operations, list) and len(operations) > MOST_OPERATIONS:
        raise Unreadable(f"Send at most {MOST_OPERATIONS:,} operations at a time.")
    for each in operations if isinstance(operations, list) else []:
        name_what_goes(each)
    return PATCHES[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)


def members_named(operations: list[dict[str, Any]]) -> set[UUID] | None:
    """The members that are told of one by one; None where all of a group are meant."""
    named: set[Any] = set()
    for each in operations:
        path, verb, value = str(each.get("path") or "").lower(), str(each["op"]).lower(), each.get("value")
        if not path and isinstance(value, dict):
            inside = {key: told for key, told in value.items() if "members" in key.lower()}
            if not inside:
                continue
            value = next(iter(inside.values())) if [*inside] == ["members"] else None
        elif "members" not in path:
            continue
        if verb == "remove" and (one := ONE_MEMBER.fullmatch(path)):
            named.add(one[1])
        elif verb in ("add", "remove") and path in ("", "members") and isinstance(value, list):
            named |= {str(told.get("value")) for told in value if isinstance(told, dict)}
        else:
            return None
    return {UUID(told) for told in named if filtering.is_uuid(told)}


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
