"""The rules that are on, as programs read them about each minute."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from ninja import Router

from accounts.gates import api_asker
from accounts.permissions import Permission, Scope
from tokentra.lib.tenancy import organization_scope
from usage.routing.rule import RoutingRule

router = Router()
TEXT = {"type": "string"}
ANSWER: dict[str, Any] = {
    "type": "object",
    "required": ["rules", "version"],
    "properties": {
        "rules": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["feature", "provider", "model", "useModel"],
                "properties": dict.fromkeys(("feature", "provider", "model", "useModel"), TEXT),
            },
        },
        "version": TEXT | {"description": "Changes with the rules; the ETag is made of it."},
    },
}
ROUTING: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "description": "The ETag of the answer before: where nothing changed, the answer is an empty 304.",
            "schema": TEXT,
        }
    ],
    "responses": {
        200: {"description": "The rules that are on.", "content": {"application/json": {"schema": ANSWER}}},
        304: {"description": "As before."},
    },
}


@router.get("/routing", url_name="routing", summary="Which models to use instead", openapi_extra=ROUTING)
def routing(request: HttpRequest) -> HttpResponse:
    """Enabled rules by feature, provider and model asked for; a key of scope ingest reads them."""
    asker = api_asker(request, Permission.SEE_COSTS, scope=Scope.INGEST)
    with organization_scope(asker.organization.pk):
        on = RoutingRule.objects.owned_by(asker.organization).enabled().order_by("feature", "provider", "model")
        rules = [
            {"feature": feature, "provider": provider, "model": model, "useModel": use_model}
            for feature, provider, model, use_model in on.values_list("feature", "provider", "model", "use_model")
        ]
    version = hashlib.sha256(json.dumps(rules).encode()).hexdigest()[:16]
    etag = f'"{version}"'
    answer = JsonResponse({"rules": rules, "version": version}, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return get_conditional_response(request, etag=etag, response=answer) or answer
