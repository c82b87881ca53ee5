"""Usage over JSON: figures by any dimension, and the export."""

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from ninja import Router

from accounts.gates import api_asker, api_reader
from accounts.permissions import Permission, Scope
from tokentra.lib.tenancy import organization_scope
from usage import asking, export, stats
from usage.freshness import fresh_until, reaches
from usage.reference import EXPORT, STATS
from usage.routing.api import router as routing
from usage.spenders import stats as measured
from usage.spenders.api import router as spenders
from usage.wire import answer, encode

router = Router()
router.add_router("", spenders)
router.add_router("", routing)


@router.get("/usage/stats", url_name="usage_stats", summary="Usage by any dimension over time", openapi_extra=STATS)
def usage_stats(request: HttpRequest) -> HttpResponse:
    """Cost, tokens and requests of a half-open range in UTC, one page at a time."""
    return HttpResponse(encode(figures(request)), content_type="application/json; charset=utf-8")


def figures(request: HttpRequest) -> dict[str, Any]:
    asker = api_reader(request)
    now = timezone.now()
    if measured.is_asked(request.GET):
        with organization_scope(asker.organization.pk):
            wanted = measured.read(request.GET, asker.organization, now)
            return measured.answer(asker.organization, wanted, now)
    asked = asking.read(request.GET, asking.STATS, now)
    with organization_scope(asker.organization.pk):
        page = list(stats.groups(asker.organization, asked.question, after=asked.after, limit=asked.limit + 1))
        totals = stats.totals(asker.organization, asked.question)
        fresh = fresh_until(reaches(asker.organization))
    return answer(asked, page, totals, fresh)


@router.get(
    "/stats", url_name="stats", summary="The same as /api/usage/stats", openapi_extra=STATS | {"operationId": "stats"}
)
def same_stats(request: HttpRequest) -> HttpResponse:
    return usage_stats(request)


@router.get("/usage/export", url_name="usage_export", summary="All rows of a range as a file", openapi_extra=EXPORT)
def usage_export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """CSV, JSON or FOCUS, streamed and complete; the last line carries the count of rows."""
    asker = api_asker(request, Permission.SEE_COSTS, scope=Scope.READ)
    asked = asking.read(request.GET, asking.EXPORT, timezone.now())
    return export.response(asker, asked)
