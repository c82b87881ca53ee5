"""Doors of the funnel in the admin: the report, the people behind a number, each of them as a file."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from onboarding.forwarding import state
from onboarding.funnel import Ask, Report
from onboarding.funnel_people import HEADERS, MOST, PAGE, Crowd, Person
from onboarding.funnel_steps import QUIET_DAYS, RULES, STEPS
from onboarding.funnel_tables import KINDS, Tables
from tokentra.lib.csv_cells import line, safe

HEADER = (
    "email",
    "organization",
    "segment",
    "path",
    "source",
    "state",
    "furthest_step",
    *(s.key for s in STEPS),
    "seen",
)


@require_GET
def report(request: HttpRequest, admin: "ModelAdmin[Any]") -> HttpResponseBase:
    ask = Ask(request.GET, timezone.now())
    tables = Tables(Report(ask))
    kind = request.GET.get("file", "")
    if kind in KINDS:
        return file(f"funnel-{kind}", getattr(tables, kind)().csv())
    context = {
        "title": "Funnel", "ask": ask, "report": tables.report, "tiles": tables.tiles(), "rules": RULES,
        "tables": [getattr(tables, each)() for each in KINDS[1:]], "quiet_days": QUIET_DAYS, "forwarding": state(),
        "invitees_href": tables.people(invited="1"),
    }  # fmt: skip
    return page(request, admin, "admin/onboarding/funnel.html", context, status=422 if ask.lens.errors else 200)


@require_GET
def people(request: HttpRequest, admin: "ModelAdmin[Any]") -> HttpResponseBase:
    ask = Ask(request.GET, timezone.now())
    crowd = Crowd(ask, request.GET)
    if request.GET.get("file"):
        return file("funnel-people", lines(crowd.people(most=MOST)))
    count = crowd.count()
    pages = max(1, -(-count // PAGE))
    asked = request.GET.get("page", "1")
    number = min(max(1, int(asked)), pages) if asked.isdecimal() and len(asked) < 9 else 1
    here = request.GET.copy()
    here.pop("page", None)
    context = {
        "title": "People of the funnel", "ask": ask, "crowd": crowd, "count": count, "number": number, "pages": pages,
        "people": list(crowd.people(page=number)), "headers": HEADERS, "here": here.urlencode(),
    }  # fmt: skip
    return page(request, admin, "admin/onboarding/funnel_people.html", context)


def page(
    request: HttpRequest, admin: "ModelAdmin[Any]", template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    return TemplateResponse(request, template, admin.admin_site.each_context(request) | context, status=status)


def lines(found: Iterable[Person]) -> Iterator[str]:
    yield line(HEADER)
    for one in found:
        told = [one.email, one.organization, one.segment, one.path, one.source, one.state, one.furthest]
        yield line([*(safe(text) for text in told), *(at.isoformat() if at else "" for at in one.times)])


def file(name: str, lines: Iterable[str]) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
