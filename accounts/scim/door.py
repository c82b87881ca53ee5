"""The door of SCIM: whose token it is, how often it came, and answers in SCIM's own shape."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts import limits
from accounts.limits import Limit
from accounts.models import Organization
from accounts.scim import tokens
from accounts.scim.kept import DirectoryToken
from accounts.scim.refusals import Missing, Refused, Taken, Wrong
from tokentra.lib import bodies, outage
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

LARGEST = 1024 * 1024  # bytes
KINDS = {"application/scim+json", "application/json"}
METHODS = {
    "users": ("GET", "POST"),
    "user": ("GET", "PUT", "PATCH", "DELETE"),
    "groups": ("GET", "POST"),
    "group": ("GET", "PUT", "PATCH", "DELETE"),
    "service": ("GET",),
    "kinds": ("GET",),
    "schemas": ("GET",),
}
NOT_DONE = "This service does neither bulk operations nor .search nor /Me. Ask by a filter, and change one at a time."


def door(what: str) -> Callable[..., HttpResponse]:
    """A route: cookies count for nothing here, the token alone does."""

    @csrf_exempt
    def view(request: HttpRequest, pk: str = "") -> HttpResponse:
        try:
            response = answered(request, what, pk)
        except Refused as refused:
            response = sent(refused.body, refused.status, headers=refused.headers)
            response._has_been_logged = refused.status == 501  # type: ignore[attr-defined]  # it is no fault of ours
        response["Cache-Control"] = "no-store"
        return response

    return view


def answered(request: HttpRequest, what: str, pk: str) -> HttpResponse:
    token = tokens.found(bearer(request))
    if token is None:
        raise stranger(request)
    if limit := limits.exceeded(request, "directory", key=str(token.organization_id)):
        raise too_often(limit)
    check(request, what)
    return served(request, token, what, pk)


def served(request: HttpRequest, token: DirectoryToken, what: str, pk: str) -> HttpResponse:
    from accounts.scim import serving  # loads the library

    request.directory_token = token.pk  # type: ignore[attr-defined]  # accounts.audit asks for it
    try:
        with organization_scope(token.organization_id, up_to_date=False):
            tokens.used(token, now=timezone.now())
            organization = Organization.objects.get(pk=token.organization_id)
            body, status = serving.answer(request, organization, what, pk)
    except DataError:
        raise Wrong("Something that was sent is longer than what can be kept.") from None
    except IntegrityError:  # somebody signed up with this address in the same moment
        raise Taken("This address or name was taken a moment ago.") from None
    except (OperationalError, InterfaceError) as error:
        problem = outage.told(error)
        raise Refused(problem.message, status=problem.status, headers=problem.headers) from None
    response = sent(body, status)
    if status == 201 and body:
        response["Location"] = body["meta"]["location"]
    return response


def check(request: HttpRequest, what: str) -> None:
    """Refuses what is not even read."""
    if what == "not done":
        raise Refused(NOT_DONE, status=501)
    if what == "nothing":
        raise Missing
    if request.method not in METHODS[what]:
        allowed = ", ".join(METHODS[what])
        raise Refused(f"Use {allowed} here.", status=405, headers={"Allow": allowed})
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LARGEST:
        raise Refused("Send at most a megabyte at a time.", status=413)
    if request.method in ("POST", "PUT", "PATCH") and request.content_type not in KINDS:
        raise Refused("Send application/scim+json.", status=415)
    if request.method in ("POST", "PUT", "PATCH"):
        request.directory_body = body_of(request)  # type: ignore[attr-defined]  # accounts.scim.reading takes it
    if "\x00" in unquote(request.META.get("QUERY_STRING", "")):
        raise Wrong("The query holds a character that no text has.")


def body_of(request: HttpRequest) -> bytes:
    """Read before anything is locked: it may come slowly."""
    try:
        return bodies.read(request, most=LARGEST)
    except Problem as problem:
        raise Refused(problem.message, status=problem.status, headers=problem.headers) from None


def stranger(request: HttpRequest) -> Refused:
    if limit := limits.exceeded(request, "directory_refused"):
        return too_often(limit)
    sentence = "This is no token of a directory here. Owners make one under Settings, Sign-on."
    return Refused(sentence, status=401, headers={"WWW-Authenticate": "Bearer"})


def too_often(limit: Limit) -> Refused:
    headers = limit.headers | {"Retry-After": str(limit.reset or 60)}
    return Refused("That was too often. Try again later.", status=429, headers=headers)


def bearer(request: HttpRequest) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def sent(body: dict[str, Any] | None, status: int, *, headers: dict[str, str] | None = None) -> HttpResponse:
    if body is None:
        return HttpResponse(status=status, headers=headers)
    return JsonResponse(body, status=status, headers=headers, content_type="application/scim+json")
