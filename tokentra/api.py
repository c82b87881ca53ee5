"""The JSON API: every app's routes under /api/, and one shape for every refusal."""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from accounts.api import router as accounts
from accounts.entitlement import NotInPlan
from accounts.gates import refuse_key_in
from budgets.api import router as budgets
from budgets.check_door import router as checking
from onboarding.api import router as onboarding
from onboarding.guidance.api import router as guidance
from providers.api import router as providers
from sdk_keys.api import router as sdk_keys
from tokentra import api_examples
from tokentra.lib import outage
from tokentra.lib.problems import Problem, note_refusal
from tokentra.middleware import ProgramDoor
from usage.api import router as usage
from usage.measuring.door import router as measuring

log = logging.getLogger(__name__)


class TextParser(Parser):
    """JSON whose texts the database can hold, and in which no API key of ours stands."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        body = super().parse_body(request)
        for text in texts(body):
            if "\0" in text:
                raise Problem(422, "invalid_field", "Leave out the NUL character.")
            refuse_key_in(request, text, where="body")
        return body


def texts(value: object) -> Iterator[str]:
    """Every text in what JSON was read into, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            for part in pair:
                yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


WAYS_IN = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (tt_live_…) that has the scope of the route, or the token of a login.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "A member's browser. What changes something carries the cookie csrftoken in X-CSRFToken.",
    },
}


class Api(NinjaAPI):
    """Its document names the ways in, which ninja cannot know: `accounts.gates` opens the routes."""

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**kwargs)
        document["components"]["securitySchemes"] = WAYS_IN
        document["security"] = [{name: []} for name in WAYS_IN]
        api_examples.add(document["paths"])
        return document

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """For views that leave it to ninja to answer. Views of programs answer by themselves, and have none."""
        if request.path_info in ProgramDoor.PATHS:
            return cast(HttpResponse, None)
        return super().create_temporal_response(request)


api = Api(title="TokenTra", version="1", urls_namespace="api", docs_url="/docs", parser=TextParser())
api.add_router("", accounts, tags=["accounts"])
api.add_router("", sdk_keys, tags=["accounts"])
api.add_router("", onboarding, tags=["onboarding"])
api.add_router("", guidance, tags=["onboarding"])
api.add_router("", providers, tags=["providers"])
api.add_router("", usage, tags=["usage"])
api.add_router("", measuring, tags=["measuring"])
api.add_router("", budgets, tags=["budgets"])
api.add_router("", checking, tags=["budgets"])


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    note_refusal(request, problem)
    headers = {"Cache-Control": "no-store"} | problem.headers
    return JsonResponse(problem.body(getattr(request, "id", "")), status=problem.status, headers=headers)


def log_refusal(request: HttpRequest, code: str) -> None:
    whose = getattr(request, "credential", None)
    person = getattr(request, "user", None)
    by = whose.key_id if whose else person.pk if person else None
    log.warning("refused %s %s to %s: %s", request.method, request.path, by, code)


@api.exception_handler(Problem)
def refused(request: HttpRequest, problem: Problem) -> HttpResponse:
    if problem.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        log_refusal(request, problem.code)
    return answer(request, problem)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields: dict[str, list[str]] = {}
    for each in error.errors:
        place = ".".join(str(part) for part in each["loc"] if part not in {"body", "query", "path", "payload"})
        fields.setdefault(place or "body", []).append(str(each["msg"]).removeprefix("Value error, "))
    if "body" in fields and "JSON" in " ".join(fields["body"]):
        return answer(request, Problem(400, "unreadable_json", "Send a JSON object in the body."))
    named = ", ".join(sorted(fields))
    sentence = f"Correct these fields and send it again: {named}."
    return answer(request, Problem(422, "invalid_field", sentence, fields=fields))


@api.exception_handler(AuthenticationError)
def stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    sentence = "Sign in, or send an API key in the Authorization header."
    return answer(request, Problem(401, "not_signed_in", sentence))


@api.exception_handler(NotInPlan)
def not_in_plan(request: HttpRequest, refused: NotInPlan) -> HttpResponse:
    return answer(request, Problem(403, "not_in_plan", str(refused)))


@api.exception_handler(PermissionDenied)
def denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    log_refusal(request, "role_too_small")
    return answer(request, Problem(403, "role_too_small", "Your role does not include this. Ask an owner or admin."))


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return answer(request, Problem(404, "not_found", "There is nothing here with that id."))


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Problem):  # ninja wraps what its parser raises
        return answer(request, error.__cause__)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    if error.status_code == HTTPStatus.BAD_REQUEST:
        return answer(request, Problem(400, "unreadable_json", "Send a JSON object in the body."))
    return answer(request, Problem(error.status_code, code, str(error)))


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return answer(request, Problem(413, "body_too_large", "Send at most 2 MiB."))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def database_away(request: HttpRequest, error: Error) -> HttpResponse:
    return answer(request, outage.told(error))


@api.exception_handler(Exception)
def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    request_id = getattr(request, "id", "")
    log.exception("request %s to %s failed", request_id, request.path, exc_info=error)
    sentence = "Something broke on our side. Send it again; if it stays, tell support the request id."
    return answer(request, Problem(500, "internal_error", sentence))
