"""What happens to every request: it gets an id, came over https, asks for the head alone, is told what an address
takes, goes the short way, comes before events, or gets the admin's policy."""

import json
import re
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from secrets import token_hex

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import resolve

from tokentra.lib import lately_answered, pages_first
from tokentra.lib.problems import Problem

Next = Callable[[HttpRequest], HttpResponse]


class RequestId:
    """Sets `request.id`; a person who reports an error can name it, and staff find it in the log."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = token_hex(6)  # type: ignore[attr-defined]  # read by problems and error pages
        response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]  # set above
        return response


class HeadLikeGet:
    """Answers HEAD wherever GET is answered, with the same head (RFC 9110, 9.3.2) and no body."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        if response.streaming:  # nobody reads what would be made for it
            response.close()
            response.streaming_content = ()  # type: ignore[attr-defined]  # of StreamingHttpResponse
        elif response.content:
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""  # the server leaves it out as well, and says so in its log each time
        return response


class MethodTold:
    """Says over JSON what an address takes, of which the router says it as plain text."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.path.startswith("/api/"):
            problem = Problem(405, "method_not_allowed", f"Use {response['Allow']} here.")
            response.content = json.dumps(problem.body(getattr(request, "id", ""))).encode()
            response["Content-Type"], response["Content-Length"] = "application/json", str(len(response.content))
        return response


class ToldOfHttps:
    """On an https site, refuses what no proxy has labelled: sent on to https it would come back like this for ever.

    Pages are led to https after this. A program is refused: led on, it would send its key in the clear for good.
    """

    PROGRAMS, PAGE = ("/api/", "/v1/", "/scim/"), "/api/docs"

    def __init__(self, get_response: Next) -> None:
        if not settings.SECURE_SSL_REDIRECT:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path.lstrip("/")
        is_exempt = any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)
        if is_exempt or "X-Forwarded-Proto" in request.headers:
            is_of_program = request.path.startswith(self.PROGRAMS) and request.path != self.PAGE
            if is_of_program and not request.is_secure():
                sentence = "Send this over https, with a new key: whoever was on the way has seen this one."
                refusal = Problem(403, "https_needed", sentence)
                return JsonResponse(refusal.body(getattr(request, "id", "")), status=refusal.status)
            return self.get_response(request)
        sentence = "The proxy in front does not say whether this request came over https. Let it set X-Forwarded-Proto."
        return HttpResponse(sentence, status=400, content_type="text/plain")


class ProgramDoor:
    """Answers what a program with a key sends right away: no session, person, page or file stands behind it."""

    PATHS = ("/api/usage/track", "/api/usage/check", "/v1/traces")

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.view = cache(lambda path: resolve(path).func)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in self.PATHS and getattr(request, "credential", None) is not None:
            with lately_answered.trusted():
                response: HttpResponse = self.view(request.path_info)(request)
            response["Content-Length"] = str(len(response.content))  # it goes out whole, and not in chunks
            return response
        return self.get_response(request)


class PagesFirst:
    """What is read by somebody comes before events that programs send, which went in by the door before."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET":
            return self.get_response(request)
        with pages_first.being_made():
            return self.get_response(request)


class AdminPolicy:
    """Unfold evaluates its Alpine expressions and writes styles: under /admin/ only."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]  # django-csp reads it
                "script-src": ["'unsafe-eval'"],
                "style-src": ["'unsafe-inline'"],
            }
        return response
