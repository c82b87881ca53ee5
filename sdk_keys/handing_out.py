"""`/sdk/`: packages for customers' programs, so that a closed network needs no registry to install them."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts.http import absolute
from sdk_keys.packages import SHOWN, all_packages

FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def contents(request: HttpRequest) -> HttpResponse:
    """What there is, for people and scripts that look for the newest."""
    items = [
        {
            "name": each.name,
            "version": each.version,
            "url": absolute(each.path),
            "sha256": each.digest,
            "size": len(each.content),
        }
        for each in all_packages().values()
    ]
    return JsonResponse({"items": items}, headers={"Cache-Control": "no-cache"})


@require_safe
def file(request: HttpRequest, digest: str, name: str) -> HttpResponse:
    found = next((each for each in all_packages().values() if (each.digest[:SHOWN], each.file) == (digest, name)), None)
    if found is None:
        return missing()
    tag = f'"{found.digest}"'
    response = HttpResponse(found.content, content_type=found.type, headers={"ETag": tag, "Cache-Control": FOR_EVER})
    return get_conditional_response(request, etag=tag, response=response) or response


@require_safe
def elsewhere(request: HttpRequest, rest: str) -> HttpResponse:
    return missing()


def missing() -> HttpResponse:
    """Says what there is instead: an older address is in somebody's list of packages."""
    there = [f"{each.name} {each.version}: {absolute(each.path)}" for each in all_packages().values()]
    words = ["There is no such package here.", *(there or ["This installation was prepared without any."])]
    return HttpResponse("\n".join([*words, ""]), status=404, content_type="text/plain; charset=utf-8")


app_name = "sdk"
urlpatterns = [
    path("", contents, name="contents"),
    path("<slug:digest>/<str:name>", file, name="file"),
    path("<path:rest>", elsewhere, name="elsewhere"),
]
