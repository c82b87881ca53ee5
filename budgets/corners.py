"""What other pages ask for by URL: progress in the top bar, the card of the dashboard, the values of a dimension."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets import reach, scopes, top_bar, warning
from budgets.board import FAR, Board
from budgets.kept import BudgetCrossing
from tokentra.lib.tenancy import organization_scope
from usage.names import Names

SHOWN = 4  # on the dashboard
NOTHING: dict[str, Any] = {}


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def progress(request: OrgRequest) -> HttpResponse:
    """One budget in the top bar of every page, and the banner over it where a threshold is reached."""
    now = timezone.now()
    turn = top_bar.turn(request.organization)
    shown = top_bar.kept(request.organization, turn)
    with organization_scope(request.organization.pk):
        if shown is None:
            shown = summary(Board(request.organization, now))
            top_bar.keep(request.organization, turn, shown)
        warned = warning.warning(request.organization, request.user, now) if shown else None
    context = {
        "shown": shown,
        "warned": warned,
        "may_ask": request.membership.may(Permission.ASK_BUDGET),
        "query": f"?{urlencode({'value': warned.crossing.value})}" if warned and warned.crossing.value else "",
    }
    return render(request, "budgets/_progress.html", context)


@require_POST
@page(Permission.SEE_COSTS)
def dismiss(request: OrgRequest, crossing_id: UUID) -> HttpResponse:
    """Of a banner: for this person, until a higher threshold is reached or a new period begins."""
    mine = BudgetCrossing.objects.owned_by(request.organization)
    crossing = get_object_or_404(mine, pk=crossing_id)
    warning.dismiss(crossing, request.user, timezone.now())
    if request.htmx:
        return HttpResponse()
    return redirect("budgets:budget", crossing.budget_id)


def summary(board: Board) -> dict[str, Any]:
    line = board.own
    if line is None:
        return NOTHING
    shown = {"name": line.budget.name, "href": line.href, "tone": line.tone}
    if line.is_far:
        return shown | {"share": None, "state": "Within", "text": FAR}
    share = str(line.standing.share) if line.standing else "0"
    text = f"{line.furthest}, {line.text}" if line.furthest else line.text
    return shown | {"share": share, "percent": line.percent, "state": line.state, "text": text}


@require_GET
@page(Permission.SEE_COSTS)
def card(request: OrgRequest) -> HttpResponse:
    board = Board(request.organization, timezone.now())
    context = {
        "board": board,
        "lines": board.lines[:SHOWN],
        "more": max(0, len(board.lines) - SHOWN),
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
    }
    return render(request, "budgets/_card.html", context)


@require_GET
@page(Permission.MANAGE_BUDGETS)
def values(request: OrgRequest) -> HttpResponse:
    """What a dimension's values are called, for whoever fills in the form."""
    ledger, _, dimension = (request.GET.get("of") or request.GET.get("also") or "").partition(":")
    names, found = Names(request.organization), []
    if ledger not in scopes.OF_LEDGER or not scopes.is_known(ledger, dimension):
        dimension = ""
    else:
        offered = reach.offered(request.organization, ledger, dimension, timezone.now())
        found = [(value, names.shown(dimension, value)) for value in offered]
    context = {"found": found, "label": scopes.label(dimension).lower() if dimension else ""}
    return render(request, "budgets/_values.html", context)
