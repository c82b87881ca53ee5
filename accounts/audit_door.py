"""Doors to the audit log: the page, and the file."""

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import audit_log
from accounts.audit_log import Log
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission


@require_GET
@page(Permission.READ_AUDIT)
def audit(request: OrgRequest) -> HttpResponse:
    log = Log(request.organization, request.GET)
    return render(request, "accounts/audit.html", {"log": log}, status=422 if log.errors else 200)


@require_GET
@page(Permission.READ_AUDIT, scoped=False)
def audit_file(request: OrgRequest) -> HttpResponseBase:
    log = Log(request.organization, request.GET)
    if log.errors:
        return HttpResponse(" ".join(log.errors), status=422, content_type="text/plain; charset=utf-8")
    headers = {"Content-Disposition": 'attachment; filename="tokentra-audit.csv"', "Cache-Control": "no-store"}
    lines = audit_log.file(request.organization, log.form.cleaned_data)
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
