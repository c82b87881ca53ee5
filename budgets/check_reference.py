"""What the API's reference page says of the check, made of the shape that reads it."""

from typing import Any

import msgspec

from budgets.calls import Call
from usage.measuring.reference import inlined

(CALL,), SHAPES = msgspec.json.schema_components([Call], ref_template="#/components/schemas/{name}")
TEXT, AMOUNT, MOMENT = {"type": "string"}, {"type": "string"}, {"type": "string", "format": "date-time"}
BUDGET = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "name": TEXT,
        "value": TEXT,
        "mode": {"enum": ["notify", "throttle", "block"]},
        "state": {"enum": ["ok", "near", "reached", "refuses"]},
        "periodStart": MOMENT,
        "periodEnd": MOMENT,
        "reachedAt": MOMENT | {"type": ["string", "null"]},
        "delayMs": {"type": "integer"},
        "unit": {"enum": ["usd", "tokens"]},
        **dict.fromkeys(("limit", "spent", "reserved", "overEstimates"), AMOUNT),
    },
    "required": ["id", "name", "value", "mode", "state", "periodStart", "periodEnd", "reachedAt", "delayMs"],
}
ONE = {
    "id": "01990000-0000-7000-8000-000000000001",
    "name": "Globex",
    "value": "",
    "mode": "block",
    "state": "ok",
    "periodStart": "2026-11-01T00:00:00Z",
    "periodEnd": "2026-12-01T00:00:00Z",
    "reachedAt": None,
    "delayMs": 0,
}
ANSWER = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["allow", "warn"]},
        "budgets": {"type": "array", "items": BUDGET},
        "estimate": {"enum": ["given", "priced", "unknown"]},
        "estimatedCost": AMOUNT | {"type": ["string", "null"]},
        "delayMs": {"type": "integer", "description": "How long to wait before the call: a budget slows it."},
        "reservationId": {"type": "string", "description": "Send it as the id of the call's event."},
        "ttlSeconds": {"type": "integer", "description": "How long the reservation, or else the verdict, lasts."},
    },
    "required": ["verdict", "budgets", "estimate", "estimatedCost", "delayMs", "ttlSeconds"],
}
REFUSED = {
    "error": {
        "code": "budget_reached",
        "message": "The budget “Globex” is used up since 2026-11-20T11:00:00Z. It begins anew at "
        "2026-12-01T00:00:00Z. Ask Alice for more: https://tokentra.example.com/budgets/…/ask/",
        "fields": {},
        "requestId": "0123456789ab",
        "verdict": "block",
        "budgets": [ONE | {"state": "refuses", "reachedAt": "2026-11-20T11:00:00Z"}],
        "ask": "Alice",
        "askUrl": "https://tokentra.example.com/budgets/…/ask/",
        "ttlSeconds": 5,
    }
}
ASKED = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "tokens": {"input": 900, "output": 500},
    "customerId": "globex",
}
ALLOWED = {
    "verdict": "allow",
    "budgets": [ONE],
    "estimate": "priced",
    "estimatedCost": "0.000435",
    "delayMs": 0,
    "reservationId": "01990000-0000-7000-8000-000000000002",
    "ttlSeconds": 600,
}
CHECK: dict[str, Any] = {
    "security": [{"bearer": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": inlined(CALL, SHAPES),
                "example": ASKED,
            }
        },
    },
    "responses": {
        200: {
            "description": "It may be made. warn: a budget is near its limit or has reached it, or nobody can say "
            "what the call may cost.",
            "content": {"application/json": {"schema": ANSWER, "example": ALLOWED}},
        },
        400: {"description": "The body cannot be read."},
        401: {"description": "No key, or one that is not known or was revoked."},
        402: {
            "description": "It may not be made: which budget, since when, until when and whom to ask.",
            "content": {"application/json": {"schema": {"type": "object"}, "example": REFUSED}},
        },
        403: {"description": "The key does not have the scope ingest."},
        413: {"description": "More than 64 KiB."},
        422: {"description": "A field is missing, wrong or not known."},
        429: {"description": "Too many for now; Retry-After says when to come again."},
        503: {"description": "The database is away. Go on as your program does without a verdict."},
    },
}
