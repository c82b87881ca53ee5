"""Doors to the pages that show spend."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from tokentra.lib.tenancy import TOTALS, organization_scope
from usage import clients as workspaces
from usage import dashboard as boards
from usage import explorer as tables
from usage import firsts, sample_door
from usage import optimization as savings
from usage import picture as pictures
from usage import summary as summaries
from usage.forms import clean
from usage.measuring import discards as left_out
from usage.plan_reach import look
from usage.spenders.doors import dashboard_of
from usage.spenders.words import measured_rows

WAITED = "waited"  # in the address of a look from a page that had no figures yet


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def dashboard(request: OrgRequest) -> HttpResponse:
    """Of everybody it reads totals alone, which are ready the soonest; cards ask for the rest by themselves."""
    chosen = clean(request.GET.getlist("customer"))
    with organization_scope(request.organization.pk, up_to_date=True if chosen else TOTALS):
        return dashboard_of(request, chosen[0]) if chosen else dashboard_of_all(request)


def dashboard_of_all(request: OrgRequest) -> HttpResponse:
    now = timezone.now()
    lens = look(request.GET, request.organization, now, *boards.EXTRA)
    filling = sample_door.look(request)  # before the figures, so that those of a whole sample are all there
    board = boards.Board(request.organization, lens, now)
    if request.htmx.target == "filters":
        return render(request, "usage/_filters.html#form", {"lens": lens, "shown": board})
    if request.htmx and WAITED in request.GET and board.has_data:
        return HttpResponseClientRefresh()  # the first figures bring the head of the page with them
    arrival = firsts.arrive(request, board)
    polls = filling.polls if filling else firsts.polls(arrival, board)
    answer = {"board": board, "lens": lens, "arrival": arrival, "filling": filling, "polls": polls}
    return render(
        request,
        "usage/dashboard.html",
        answer | {"sample": sample_door.is_offered(request)},
        status=422 if lens.errors else 200,
    )


@require_GET
@page(Permission.SEE_COSTS)
def summary(request: OrgRequest) -> HttpResponse:
    now = timezone.now()
    answer = {"summary": summaries.Summary(request.organization, now), "found": savings.look(request.organization, now)}
    return render(request, "usage/summary.html", answer | {"sample": sample_door.is_offered(request)})


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def clients(request: OrgRequest) -> HttpResponse:
    """Every workspace of this person; the search is by name."""
    named = request.GET.get("q", "").strip()[:100]
    found = workspaces.clients(request.memberships, now=timezone.now(), named=named)
    return render(request, "usage/clients.html", {"found": found, "named": named})


@require_POST
@page(Permission.SEE_COSTS)
def data_ready(request: OrgRequest) -> HttpResponse:
    """Closes the banner that says the first figures are there."""
    firsts.close_banner(request.session)
    return redirect("usage:dashboard")


@require_GET
@page(Permission.SEE_COSTS)
def explorer(request: OrgRequest) -> HttpResponse:
    if elsewhere := measured_rows(request.GET):
        return redirect(elsewhere)
    now = timezone.now()
    lens = look(request.GET, request.organization, now, *tables.EXTRA)
    table = tables.Table(request.organization, lens, now)
    if request.htmx.target == "filters":
        return render(request, "usage/_filters.html#form", {"lens": lens, "shown": table})
    status = 422 if lens.errors or table.errors else 200
    return render(
        request,
        "usage/explorer.html",
        {
            "table": table,
            "lens": lens,
            "filling": sample_door.look(request),
            "sample": sample_door.is_offered(request),
        },
        status=status,
    )


@require_GET
@page(Permission.SEE_COSTS)
def optimization(request: OrgRequest) -> HttpResponse:
    found = savings.look(request.organization, timezone.now())
    savings.note_first_view(request, found)
    return render(request, "usage/optimization.html", {"found": found})


@require_GET
@page(Permission.SEE_COSTS)
def insight(request: OrgRequest) -> HttpResponse:
    """The dashboard's insight, asked for by itself because it looks at a month of use."""
    found = savings.look(request.organization, timezone.now())
    return render(request, "usage/_insight.html", {"found": found})


@require_GET
@cache_control(public=True, max_age=3600)
def picture(request: HttpRequest) -> HttpResponse:
    """What the product looks like, for people who have not signed up yet."""
    return render(request, "usage/picture.html", {"picture": pictures.picture(timezone.now().date())})


@require_GET
@page(Permission.SEE_COSTS)
def discards(request: OrgRequest) -> HttpResponse:
    """What programs sent in the last thirty days and was not kept."""
    since = timezone.now().date() - timedelta(days=29)
    return render(request, "usage/discards.html", {"totals": left_out.since(request.organization, since)})
