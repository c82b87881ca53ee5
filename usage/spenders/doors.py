"""Doors to the pages of measured spend: lists of customers and agents, and one of them."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage.forms import clean
from usage.ingest import overrides_of
from usage.measured import TAG, SummedTag
from usage.names import Names
from usage.spenders import calls, exploring, files, places, spans, spender, teaching, zones
from usage.spenders import runs as listing_of_runs
from usage.spenders.one_call import OneCall
from usage.spenders.overview import Overview
from usage.spenders.places import Spenders
from usage.spenders.spender import Spender
from usage.spenders.words import WORDS, href, word_of


@require_GET
@page(Permission.SEE_COSTS)
def customers(request: OrgRequest) -> HttpResponse:
    return listed(request, "customer")


@require_GET
@page(Permission.SEE_COSTS)
def agents(request: OrgRequest) -> HttpResponse:
    return listed(request, "agent")


def listed(request: OrgRequest, dimension: str, template: str = "") -> HttpResponse:
    lens, span = spans.read(request.GET, request.organization, timezone.now(), *places.EXTRA)
    found = Spenders(request.organization, dimension, lens, span)
    context = {"found": found, "lens": lens, "span": span, "snippet": teaching.snippet(found.word.field)}
    context |= zoned(request, span)
    return render(request, template or f"usage/{dimension}s.html", context, status=422 if lens.errors else 200)


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def customers_file(request: OrgRequest) -> HttpResponseBase:
    return filed(request, "customer")


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def agents_file(request: OrgRequest) -> HttpResponseBase:
    return filed(request, "agent")


def filed(request: OrgRequest, dimension: str) -> HttpResponseBase:
    lens, span = spans.read(request.GET, request.organization, timezone.now(), *places.EXTRA)
    found = Spenders(request.organization, dimension, lens, span)
    return as_file(lens.errors, lambda: files.response(request.organization, request.user.pk, found))


def as_file(errors: Sequence[str], made: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """A file of what was asked for, never of something else; a sentence where that cannot be made."""
    if errors:
        return HttpResponse(" ".join(errors), status=422, content_type="text/plain; charset=utf-8")
    try:
        return made()
    except Problem as busy:
        return HttpResponse(busy.message, status=busy.status, headers=busy.headers, content_type="text/plain")


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def measured_file(request: OrgRequest, dimension: str) -> HttpResponseBase:
    with organization_scope(request.organization.pk):
        refuse_unknown(request, dimension)
    return filed(request, dimension)


@require_GET
@page(Permission.SEE_COSTS)
def explorer(request: OrgRequest) -> HttpResponse:
    """Measured calls by any dimension over time. A filter that was typed into the form becomes one of the address."""
    found = exploring.read(request.GET, request.organization, timezone.now())
    name, values = request.GET.get("by", ""), clean(request.GET.getlist("value"))
    if name in found.known and values:
        changes: exploring.Changes = {name: values, **exploring.FIRST_PAGE}
        return redirect(f"{request.path}?{found.lens.query(**changes)}")
    context = {"found": found, "lens": found.lens, "span": found.span, "snippet": teaching.snippet("customerId")}
    context |= zoned(request, found.span)
    is_wrong = found.lens.errors or found.errors
    return render(request, "usage/measured_explorer.html", context, status=422 if is_wrong else 200)


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def explorer_file(request: OrgRequest) -> HttpResponseBase:
    with organization_scope(request.organization.pk):
        asked = exploring.read(request.GET, request.organization, timezone.now())
    wrong = asked.lens.errors or asked.errors
    return as_file(wrong, lambda: files.explored(request.organization, request.user.pk, asked))


@require_GET
@page(Permission.SEE_COSTS)
def customer(request: OrgRequest, customer: str) -> HttpResponse:
    return one(request, "customer", customer)


@require_GET
@page(Permission.SEE_COSTS)
def agent(request: OrgRequest, agent: str) -> HttpResponse:
    return one(request, "agent", agent)


def one(request: OrgRequest, dimension: str, value: str) -> HttpResponse:
    lens, span = spans.read(request.GET, request.organization, timezone.now(), *spender.EXTRA)
    found = Spender(request.organization, dimension, value, lens, span)
    if not found.is_kept:
        raise Http404(f"no calls of this {dimension}")
    context = {"found": found, "lens": lens, "span": span} | zoned(request, span)
    return render(request, "usage/spender.html", context, status=422 if lens.errors else 200)


@require_GET
@page(Permission.SEE_COSTS)
def runs(request: OrgRequest) -> HttpResponse:
    lens, span = spans.read(request.GET, request.organization, timezone.now(), *listing_of_runs.CHOICES)
    found = listing_of_runs.Runs(request.organization, lens, span)
    if found.sought and listing_of_runs.one(request.organization, found.sought):
        return redirect("usage:run", found.sought)
    context = {"found": found, "lens": lens, "span": span, "snippet": teaching.snippet("runId")} | zoned(request, span)
    return render(request, "usage/runs.html", context, status=422 if lens.errors else 200)


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def runs_file(request: OrgRequest) -> HttpResponseBase:
    lens, span = spans.read(request.GET, request.organization, timezone.now(), *listing_of_runs.CHOICES)
    asked = listing_of_runs.Runs(request.organization, lens, span).asked
    return as_file(lens.errors, lambda: files.runs(request.organization, request.user.pk, asked, span))


@require_GET
@page(Permission.SEE_COSTS)
def run(request: OrgRequest, run: str) -> HttpResponse:
    held = listing_of_runs.one(request.organization, run)
    if held is None:
        raise Http404("no run of this name")
    return render(request, "usage/run.html", {"found": listing_of_runs.OneRun(request.organization, held), "run": held})


@require_GET
@page(Permission.SEE_COSTS)
def call(request: OrgRequest, day: str, call: UUID) -> HttpResponse:
    """One call: a page of its own, and the panel beside a run."""
    try:
        held = calls.one(request.organization, date.fromisoformat(day), call)
    except ValueError:
        held = None
    if held is None:
        raise Http404("no call of this id is kept")
    summed = SummedTag.objects.owned_by(request.organization).values_list("name", flat=True)
    found = OneCall(held, overrides_of(request.organization.pk), Names(request.organization), set(summed))
    template = "usage/_call.html" if request.htmx else "usage/call.html"
    return render(request, template, {"found": found, "call": held})


@require_GET
@page(Permission.SEE_COSTS)
def overview(request: OrgRequest) -> HttpResponse:
    """A part of the dashboard, asked for by itself; empty while nothing is measured."""
    lens, span = spans.read(request.GET, request.organization, timezone.now())
    found = Overview(request.organization, lens, span)
    context = {"found": found, "lens": lens, "span": span} | zoned(request, span)
    return render(request, "usage/_overview.html", context)


def dashboard_of(request: OrgRequest, customer: str) -> HttpResponse:
    """The dashboard of one customer: all of it measured, and it says so."""
    lens, span = spans.read(request.GET, request.organization, timezone.now(), "customer")
    found = Spender(request.organization, "customer", customer, lens, span)
    context = {"found": found, "lens": lens, "span": span, "customer": customer} | zoned(request, span)
    return render(request, "usage/dashboard_of_customer.html", context, status=422 if lens.errors else 200)


@require_GET
@page(Permission.SEE_COSTS)
def measured(request: OrgRequest, dimension: str) -> HttpResponse:
    """Whose spend it is by what the code says: every dimension has this page."""
    refuse_unknown(request, dimension)
    return listed(request, dimension, "usage/measured.html")


@require_GET
@page(Permission.SEE_COSTS)
def measured_value(request: OrgRequest, dimension: str, value: str) -> HttpResponse:
    refuse_unknown(request, dimension)
    return redirect(href(dimension, value)) if word_of(dimension).view else one(request, dimension, value)


def zoned(request: OrgRequest, span: spans.Span) -> dict[str, str]:
    return {"zone_note": zones.note(request.organization, span)}


def refuse_unknown(request: OrgRequest, dimension: str) -> None:
    if dimension in WORDS:
        return
    name = dimension.removeprefix(TAG) if dimension.startswith(TAG) else ""
    if not (name and SummedTag.objects.owned_by(request.organization).filter(name=name).exists()):
        raise Http404("no such dimension")
