"""What happens to every request: it gets an id, came over https, and the admin a policy its scripts can live with."""

import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from tokentra.lib.ids import uuid7

Next = Callable[[HttpRequest], HttpResponse]


class RequestId:
    """Sets `request.id`; a person who reports an error can name it, and staff find it in the log."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = uuid7().hex[-12:]  # type: ignore[attr-defined]  # read by problems and error pages
        response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]  # set above
        return response


class ToldOfHttps:
    """On an https site, refuses what no proxy has labelled: sent on to https it would come back like this for ever."""

    def __init__(self, get_response: Next) -> None:
        if not settings.SECURE_SSL_REDIRECT:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path.lstrip("/")
        is_exempt = any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)
        if is_exempt or "X-Forwarded-Proto" in request.headers:
            return self.get_response(request)
        sentence = "The proxy in front does not say whether this request came over https. Let it set X-Forwarded-Proto."
        return HttpResponse(sentence, status=400, content_type="text/plain")


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
