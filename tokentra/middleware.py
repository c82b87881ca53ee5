"""What happens to every request: it gets an id, and the admin a policy that its scripts can live with."""

from collections.abc import Callable

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
