"""The way in for OpenTelemetry: POST /v1/traces, as OTLP/HTTP has it."""

import logging

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.gates import api_scope, tell_of_key_in, unless_gone
from accounts.http import Credential
from tokentra.lib import bodies, outage
from tokentra.lib.problems import Problem, note_refusal
from usage.measuring import crowding, discards, paces, tracking
from usage.measuring.otlp import answers, spans
from usage.measuring.otlp.calls import Calls, shortened
from usage.measuring.otlp.families import Families
from usage.measuring.otlp.spans import Span, Unreadable

LARGEST_BODY = 20 * 2**20
READERS = {answers.PROTOBUF: spans.from_protobuf, answers.JSON: spans.from_json}
log = logging.getLogger(__name__)


@csrf_exempt
def traces(request: HttpRequest) -> HttpResponse:
    """200 once everything that is good is stored; never 500, after which exporters throw away what they hold."""
    try:
        return told(export(request, kind_of(request)), 200)
    except Problem as problem:
        return refused(request, problem)
    except (OperationalError, InterfaceError) as error:
        return refused(request, outage.told(error))
    except Exception:
        log.exception("an export of spans was not stored")
        sentence = "Something is wrong on our side. Nothing was stored; send it again later."
        return refused(request, Problem(503, "broken", sentence, headers={"Retry-After": "60"}))


def export(request: HttpRequest, kind: str) -> answers.Written:
    if request.method != "POST":
        raise Problem(405, "method_not_allowed", "Send spans with POST.", headers={"Allow": "POST"})
    credential = api_scope(request, "ingest")
    crowding.refuse_late(request)
    paces.request(credential.organization_id, status=503)
    with discards.of_whole_requests(credential.organization_id, credential.key_id):
        found = read(request, kind)
    answer = stored(credential, found)
    tracking.add_up(credential.organization_id, answer)
    request.tracked = answer  # type: ignore[attr-defined]  # as in usage.measuring.door
    why = next((reason(result) for result in answer.results if result.status == "rejected"), "")
    return answers.done(kind, rejected=answer.rejected, why=why)


def read(request: HttpRequest, kind: str) -> list[Span]:
    if kind not in READERS:
        raise Problem(415, "unknown_content_type", f"Send {answers.PROTOBUF} or {answers.JSON}.")
    body = bodies.read(request, most=LARGEST_BODY)
    tell_of_key_in(request, body, packed=kind == answers.PROTOBUF)
    try:
        return READERS[kind](body)
    except Unreadable as reason:
        raise Problem(400, "unreadable_body", f"{reason} Nothing was stored.") from None


def reason(result: tracking.Result) -> str:
    """With the field: no exporter tells of it otherwise."""
    is_named = result.field in result.message
    return result.message if is_named else f"{result.field}: {result.message}"


def stored(credential: Credential, found: list[Span]) -> tracking.Answer:
    paces.events(credential.organization_id, len(found), status=503)
    calls = Calls(found)
    opened = tracking.made(calls.events(), shortened)
    with unless_gone(credential):
        return tracking.track(
            credential.organization_id,
            opened.events,
            key_id=credential.key_id,
            now=timezone.now(),
            are_clean=opened.are_clean,
            left_out=calls.left_out,
            families=Families(credential.organization_id, calls.told.values()),
        )


def elsewhere(request: HttpRequest) -> HttpResponse:
    """For what is no address of ours under /v1/, such as an exporter's of metrics or logs."""
    sentence = (
        "Only spans are taken, at /v1/traces. Switch the exporters of metrics and logs off: set OTEL_METRICS_EXPORTER "
        "and OTEL_LOGS_EXPORTER to none."
    )
    return refused(request, Problem(404, "not_found", sentence))


def told(written: answers.Written, status: int) -> HttpResponse:
    return HttpResponse(written.body, status=status, content_type=written.content_type)


def kind_of(request: HttpRequest) -> str:
    return (request.content_type or "").lower()


def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    """In the kind of content that was sent."""
    note_refusal(request, problem)
    response = told(answers.refused(kind_of(request), problem.status, problem.message), problem.status)
    for name, value in ({"Cache-Control": "no-store"} | problem.headers).items():
        response[name] = value
    return response
