"""The way in for events over HTTP: a key, a body, an answer for every item."""

from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.gates import api_scope, refuse_key_in
from tokentra.lib import outage
from tokentra.lib.problems import Problem
from usage.measuring import bodies, tracking

LARGEST_BODY = 5 * 2**20
encode = msgspec.json.Encoder().encode


@csrf_exempt
@require_POST
def track(request: HttpRequest) -> HttpResponse:
    """POST /api/usage/track: 202 once everything that is good is stored, 422 when nothing was."""
    try:
        credential = api_scope(request, "ingest")
        body = bodies.read(request, most=LARGEST_BODY)
        refuse_key_in(request, body, where="body")
        events = tracking.opened(body)
        answer = tracking.track(credential.organization_id, events, key_id=credential.key_id, now=timezone.now())
    except Problem as problem:
        return refused(request, problem)
    except (OperationalError, InterfaceError) as error:
        return refused(request, outage.told(error))
    return HttpResponse(encode(told(answer)), status=answer.status, content_type="application/json")


def told(answer: tracking.Answer) -> dict[str, Any]:
    counts = {name: getattr(answer, name) for name in ("accepted", "duplicates", "conflicts", "rejected")}
    return counts | {"results": [shown(result) for result in answer.results]}


def shown(result: tracking.Result) -> dict[str, Any]:
    said: dict[str, Any] = {"index": result.index, "id": result.id, "status": result.status}
    if result.code:
        said |= {"code": result.code, "message": result.message, "field": result.field or None}
    return said


def refused(request: HttpRequest, problem: Problem) -> JsonResponse:
    headers = {"Cache-Control": "no-store"} | problem.headers
    return JsonResponse(problem.body(getattr(request, "id", "")), status=problem.status, headers=headers)
