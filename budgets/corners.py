"""What other pages ask for by URL: progress in the top bar, the card of the dashboard, the values of a dimension."""

from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets import reach, scopes
from budgets.board import Board
from tokentra.lib.tenancy import name_within, organization_scope
from usage.names import Names

KEPT = 20  # seconds: every page asks
SHOWN = 4  # on the dashboard
NOTHING: dict[str, Any] = {}


@require_GET
@page(Permission.SEE_COSTS, scoped=False)
def progress(request: OrgRequest) -> HttpResponse:
    """One budget in the top bar of every page."""
    name = name_within(request.organization.pk, "budget-progress")
    shown: dict[str, Any] | None = cache.get(name)
    if shown is None:
        with organization_scope(request.organization.pk):
            shown = summary(Board(request.organization, timezone.now()))
        cache.set(name, shown, KEPT)
    return render(request, "budgets/_progress.html", {"shown": shown})


def summary(board: Board) -> dict[str, Any]:
    line = board.own
    if line is None:
        return NOTHING
    return {
        "name": line.budget.name,
        "href": line.href,
        "percent": line.percent,
        "share": str(line.standing.share) if line.standing else "0",
        "tone": line.tone,
        "state": line.state,
        "text": line.text,
        "ends_at": line.span.end,
    }


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
