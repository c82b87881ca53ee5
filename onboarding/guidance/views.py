"""Doors to what guides people: the corner that pages ask for, the help page, features before their time."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from onboarding.guidance import doors, remembered, seen, tours, unlocks
from onboarding.guidance.corner import Corner, path_of
from onboarding.guidance.guide import Guide
from onboarding.guidance.help import Help
from onboarding.guidance.seen import CHECKLIST, Kind, State
from tokentra.lib.tenancy import organization_scope


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def corner(request: OrgRequest) -> HttpResponse:
    """What stands in the corner of the page named in `view`; nothing at all is 204."""
    now = timezone.now()
    path = path_of(request.membership, now=now)
    with organization_scope(request.organization.pk):
        guide = Guide(request.membership, now=now)
        shown = Corner(guide, request.GET.get("view", ""), path=path, toured=remembered.toured(request))
        if shown.is_empty:
            return HttpResponse(status=204)
        return render(request, "onboarding/corner.html", {"corner": shown, "guide": guide})


@require_GET
@page(Permission.SEE_COSTS)
def help_page(request: OrgRequest) -> HttpResponse:
    guide = Guide(request.membership, now=timezone.now())
    guide.note_completion()
    return render(request, "onboarding/help.html", {"guide": guide, "help": Help(guide)})


@require_POST
@page(Permission.SEE_COSTS)
def tour_again(request: OrgRequest, tour: str) -> HttpResponse:
    """Starts a tour on its page, as often as somebody wants."""
    wanted = tours.BY_ID.get(tour)
    if wanted is None:
        raise Http404
    seen.mark(request.membership, Kind.TOUR, wanted.id, State.ASKED, now=timezone.now())
    remembered.forget(request, wanted.id)
    return redirect(wanted.view, *wanted.arguments)


@require_POST
@page(Permission.SEE_COSTS)
def checklist_again(request: OrgRequest) -> HttpResponse:
    seen.mark(request.membership, Kind.CARD, CHECKLIST, State.STARTED, now=timezone.now())
    return redirect("guidance:help")


@require_POST
@page(Permission.SEE_COSTS)
def tips_again(request: OrgRequest) -> HttpResponse:
    seen.forget(request.membership, Kind.TOOLTIP)
    return redirect("guidance:help")


@require_POST
@page(Permission.SEE_COSTS)
def open_early(request: OrgRequest, feature: str) -> HttpResponse:
    wanted = unlocks.BY_ID.get(feature)
    if wanted is None or not wanted.view:
        raise Http404
    doors.open_early(request.membership, wanted)
    return redirect(wanted.view)
