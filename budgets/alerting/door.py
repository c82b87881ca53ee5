"""Alerts on screen: the list, one of them, what people do with it, and the bell that counts."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets.alerting import listing, reading, states
from budgets.alerting.models import Alert

MOST_AT_ONCE = 200


@require_GET
@page(Permission.SEE_COSTS)
def alerts(request: OrgRequest) -> HttpResponse:
    now = timezone.now()
    board = listing.Board.read(request.organization, request.GET, now=now)
    reading.read(request.organization, request.user, now=now)
    context = {"board": board, "may_change": request.membership.may(Permission.MANAGE_BUDGETS)}
    return render(request, "budgets/alerts/list.html", context)


@require_GET
@page(Permission.SEE_COSTS)
def bell(request: OrgRequest) -> HttpResponse:
    unread = reading.unread(request.organization, request.user)
    return render(request, "budgets/alerts/_bell.html", {"unread": unread})


@require_GET
@page(Permission.SEE_COSTS)
def alert(request: OrgRequest, alert_id: UUID) -> HttpResponse:
    shown = listing.one(alert_of(request, alert_id))
    context = {"shown": shown, "may_change": request.membership.may(Permission.MANAGE_BUDGETS)}
    return render(request, "budgets/alerts/alert.html", context)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def acknowledge_many(request: OrgRequest) -> HttpResponse:
    chosen = [pk for text in request.POST.getlist("alert")[:MOST_AT_ONCE] if (pk := as_id(text))]
    done = states.acknowledge(request.organization, chosen, by=request.user, now=timezone.now())
    if done:
        messages.success(request, "1 alert is acknowledged." if done == 1 else f"{done} alerts are acknowledged.")
    else:
        messages.info(request, "Choose alerts that are open.")
    return redirect("alerts:list")


@require_POST
@page(Permission.MANAGE_BUDGETS)
def acknowledge(request: OrgRequest, alert_id: UUID) -> HttpResponse:
    held = alert_of(request, alert_id)
    states.acknowledge(request.organization, [held.pk], by=request.user, now=timezone.now())
    return redirect("alerts:alert", held.pk)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def snooze(request: OrgRequest, alert_id: UUID) -> HttpResponse:
    held = alert_of(request, alert_id)
    length = states.SNOOZES.get(request.POST.get("length", ""), states.SNOOZES["1d"])
    states.snooze(held, length, by=request.user, now=timezone.now())
    return redirect("alerts:alert", held.pk)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def resolve(request: OrgRequest, alert_id: UUID) -> HttpResponse:
    held = alert_of(request, alert_id)
    states.resolve(held, by=request.user, now=timezone.now())
    return redirect("alerts:alert", held.pk)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def reopen(request: OrgRequest, alert_id: UUID) -> HttpResponse:
    held = alert_of(request, alert_id)
    states.reopen(held, by=request.user, now=timezone.now())
    return redirect("alerts:alert", held.pk)


def alert_of(request: OrgRequest, alert_id: UUID) -> Alert:
    return get_object_or_404(Alert.objects.owned_by(request.organization), pk=alert_id)


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
