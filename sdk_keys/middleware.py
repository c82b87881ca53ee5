"""Which API key a request comes with."""

from collections.abc import Callable
from urllib.parse import unquote_plus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from accounts.gates import refuse_key_in
from accounts.http import Credential
from sdk_keys import attempts, nearly, resolving, using
from tokentra.lib import outage
from tokentra.lib.answered_again import UNTIL
from tokentra.lib.problems import Problem, refusal_of
from usage.measuring.otlp import door as otlp

PROGRAMS = ("/api/", "/v1/")  # where keys open something
LONGEST = 1024 * 1024


class ApiKeys:
    """Sets `request.credential` from `Authorization: Bearer tt_…`; None for everybody who comes without a key.

    A key is no session: cookies that come along are not read, none is set, and no CSRF token is asked for,
    because no browser sends this header by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.credential = None  # type: ignore[attr-defined]  # accounts.gates reads it
        try:
            refuse_key_in(request, address_of(request), where="address")
            key = key_of(request)
            if not key:
                refuse_key_in(request, body_of(request), where="body")
            credential = credential_of(request, key) if key else None
        except (OperationalError, InterfaceError) as error:
            return refusal(request, outage.told(error))
        except Problem as problem:
            return refusal(request, problem)
        return self.served(request, credential) if credential else self.get_response(request)

    def served(self, request: HttpRequest, credential: Credential) -> HttpResponse:
        request.META.pop("HTTP_COOKIE", None)
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # Django reads it
        request.credential = credential  # type: ignore[attr-defined]  # as above
        response = self.get_response(request)
        response.cookies.clear()
        response.setdefault("Cache-Control", "private, no-store")
        refused = refusal_of(request)
        if refused and refused.until:
            request.META[UNTIL] = refused.until
        now = timezone.now()
        using.note(credential, now=now)
        attempts.note(request, credential, refused.code if refused else "", now=now)
        return response


def credential_of(request: HttpRequest, key: str) -> Credential:
    """Raises 401 as `resolving.resolve` does, and notes it for whoever may hear of it."""
    now = timezone.now()
    try:
        return resolving.resolve(key, now=now)
    except Problem as problem:
        known = resolving.remembered(key).credential
        if known:
            attempts.note(request, known, problem.code, now=now)
        else:
            nearly.note(key, now=now)
        raise


def address_of(request: HttpRequest) -> str:
    """As a person would read it."""
    query = request.META.get("QUERY_STRING", "")
    return f"{request.path}?{unquote_plus(query)}" if query else request.path


def key_of(request: HttpRequest) -> str:
    kind, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    is_ours = kind.lower() == "bearer" and token.startswith("tt_") and request.path.startswith(PROGRAMS)
    return token if is_ours else ""


def body_of(request: HttpRequest) -> bytes:
    """What a program sent that came without a key in its header, unless it is more than any login is."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_small = length.isdecimal() and 0 < int(length) <= LONGEST
    return request.body if is_small and request.path.startswith(PROGRAMS) else b""


def refusal(request: HttpRequest, problem: Problem) -> HttpResponse:
    """For programs as the API answers it, or as OTLP has it; whoever opens a page reads the sentence."""
    if attempts.WAYS.get(request.path) == "spans":
        return otlp.refused(request, problem)
    if not request.path.startswith(PROGRAMS):
        return HttpResponse(problem.message, status=problem.status, content_type="text/plain; charset=utf-8")
    headers = {"Cache-Control": "no-store"} | problem.headers
    return JsonResponse(problem.body(getattr(request, "id", "")), status=problem.status, headers=headers)
