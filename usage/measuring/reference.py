"""What the API's reference page says of events, made of the shapes that read them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from usage.measuring.shape import MOST_EVENTS, Sent

(EVENT,), SHAPES = msgspec.json.schema_components([Sent], ref_template="#/components/schemas/{name}")


def inlined(shape: Any, shapes: Mapping[str, Any]) -> Any:
    """A shape with what it refers to in its place."""
    if isinstance(shape, dict):
        if "$ref" in shape:
            return inlined(shapes[shape["$ref"].rsplit("/", 1)[1]], shapes)
        return {name: inlined(part, shapes) for name, part in shape.items()}
    return [inlined(part, shapes) for part in shape] if isinstance(shape, list) else shape


ONE = inlined(EVENT, SHAPES)
MANY = {
    "type": "object",
    "properties": {"events": {"type": "array", "items": ONE, "maxItems": MOST_EVENTS}},
    "required": ["events"],
    "additionalProperties": False,
}
COUNT = {"type": "integer", "minimum": 0}
ANSWER = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("accepted", "duplicates", "conflicts", "rejected"), COUNT),
        "results": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["accepted", "duplicates", "conflicts", "rejected", "results"],
}
TOLD = {"application/json": {"schema": ANSWER}}
TRACK: dict[str, Any] = {
    "security": [{"bearer": []}],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"anyOf": [ONE, MANY]}}}},
    "responses": {
        202: {"description": "Stored. Results tell of the items that were not plainly accepted.", "content": TOLD},
        400: {"description": "The body cannot be read. Nothing was stored."},
        401: {"description": "No key, or one that is not known or was revoked."},
        403: {"description": "The key does not have the scope ingest."},
        408: {"description": "The body came too slowly. Send it again, in smaller parts if need be."},
        413: {"description": "More than 1,000 events, more than 5 MiB unpacked, or one event of more than 1 MiB."},
        415: {"description": "Packed in a way that is not read."},
        422: {"description": "Every item was rejected; the results say why.", "content": TOLD},
        429: {"description": "Too many for now; Retry-After says when to come again."},
        503: {"description": "The database is away or full. Send it again after Retry-After."},
    },
}
