"""Asking for more, and answering those who did."""

from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets import raising, scopes, words
from budgets.asked import Raise
from budgets.forms import RaiseForm
from budgets.one import OneBudget
from budgets.views import of
from tokentra.lib.problems import Problem


@require_http_methods(["GET", "POST"])
@page(Permission.ASK_BUDGET)
def ask(request: OrgRequest, budget_id: UUID) -> HttpResponse:
    now, mine = timezone.now(), of(request, budget_id)
    said = request.POST.get("value") or request.GET.get("value") or ""
    value = said.replace("\0", "")[: scopes.LONGEST_VALUE] if mine.each else ""
    one = OneBudget(mine, now, person=request.user)
    today = now.astimezone(ZoneInfo(request.organization.timezone)).date()
    form = RaiseForm(
        request.POST or None, limit=one.limit_of(value), today=today, initial={"last_day": one.span.last_day}
    )
    if mine.archived_at:
        return redirect("budgets:budget", budget_id)
    if request.method == "GET" and not raising.is_of(mine, value):
        messages.info(request, "Choose whose limit it is.")
        return redirect("budgets:budget", budget_id)
    if form.is_valid():
        told = form.cleaned_data
        try:
            raising.ask(
                mine, told["amount"], last_day=told["last_day"], reason=told["reason"], by=request.user, now=now,
                value=value,
            )  # fmt: skip
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            messages.success(request, "Your request waits for somebody who may approve it. It stands on this page.")
            return redirect("budgets:budget", budget_id)
    whose = one.names.shown(mine.each, value) if value else ""
    context = {"form": form, "one": one, "value": value, "whose": whose}
    return render(request, "budgets/ask.html", context, status=422 if form.errors else 200)


@require_POST
@page(Permission.APPROVE_BUDGET)
def approve(request: OrgRequest, raise_id: UUID) -> HttpResponse:
    wanted = request_of(request, raise_id)
    try:
        raising.approve(wanted, by=request.user, now=timezone.now(), note=note(request))
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        limit = words.amount(wanted.amount, wanted.budget.unit)
        messages.success(request, f"The limit is {limit} until the end of {wanted.last_day:%-d %b %Y}.")
    return redirect("budgets:budget", wanted.budget_id)


@require_POST
@page(Permission.APPROVE_BUDGET)
def decline(request: OrgRequest, raise_id: UUID) -> HttpResponse:
    wanted = request_of(request, raise_id)
    try:
        raising.decline(wanted, by=request.user, now=timezone.now(), note=note(request))
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, "The request is declined. The limit stays as it is.")
    return redirect("budgets:budget", wanted.budget_id)


@require_POST
@page(Permission.ASK_BUDGET)
def withdraw(request: OrgRequest, raise_id: UUID) -> HttpResponse:
    wanted = request_of(request, raise_id)
    try:
        raising.withdraw(wanted, by=request.user, now=timezone.now())
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, "Your request is withdrawn.")
    return redirect("budgets:budget", wanted.budget_id)


def request_of(request: OrgRequest, raise_id: UUID) -> Raise:
    return get_object_or_404(Raise.objects.owned_by(request.organization).select_related("budget"), pk=raise_id)


def note(request: OrgRequest) -> str:
    return request.POST.get("note", "").replace("\0", "")[:1000].strip()
