"""The way in for events over HTTP: a key, a body, an answer for every item."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from accounts.gates import api_scope, refuse_key_in, unless_gone
from accounts.http import Credential
from tokentra.lib import bodies
from usage.measuring import crowding, discards, paces, tracking
from usage.measuring.reference import TRACK
from usage.measuring.shape import LARGEST_EVENT

LARGEST_BODY = 5 * 2**20
encode = msgspec.json.Encoder().encode
router = Router()


@router.post("/usage/track", response={202: None}, url_name="track", summary="Send events", openapi_extra=TRACK)
def track(request: HttpRequest) -> HttpResponse:
    """One event, or up to 1,000 under "events", with a key of scope ingest.

    Answered once everything that is good is stored; the same again changes nothing.
    """
    credential = api_scope(request, "ingest")
    crowding.refuse_late(request)
    paces.request(credential.organization_id)
    with unless_gone(credential):
        answer = stored(credential, request)
    tracking.add_up(credential.organization_id, answer)
    request.tracked = answer  # type: ignore[attr-defined]  # for whoever notes what came of a key's requests
    return HttpResponse(encode(told(answer)), status=answer.status, content_type="application/json")


def stored(credential: Credential, request: HttpRequest) -> tracking.Answer:
    with discards.of_whole_requests(credential.organization_id, credential.key_id):
        body = bodies.read(request, most=LARGEST_BODY)
        refuse_key_in(request, body, where="body")
        opened = tracking.opened(body)
    paces.events(credential.organization_id, len(opened.events))
    return tracking.track(
        credential.organization_id,
        opened.events,
        key_id=credential.key_id,
        now=timezone.now(),
        weighs=len(body) > LARGEST_EVENT,
        are_clean=opened.are_clean,
    )


def told(answer: tracking.Answer) -> dict[str, Any]:
    counts = {name: getattr(answer, name) for name in ("accepted", "duplicates", "conflicts", "rejected")}
    return counts | {"results": [shown(result) for result in answer.results]}


def shown(result: tracking.Result) -> dict[str, Any]:
    said: dict[str, Any] = {"index": result.index, "id": result.id, "status": result.status}
    if result.code:
        said |= {"code": result.code, "message": result.message, "field": result.field or None}
    return said
