"""The page of all budgets, the page of one, and the forms that make and change them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets import making, prompting
from budgets.board import Board
from budgets.forms import BudgetForm, initial
from budgets.models import Budget
from budgets.one import OneBudget
from budgets.suggesting import suggestion
from tokentra.lib.problems import Problem


@require_GET
@page(Permission.SEE_COSTS)
def budgets(request: OrgRequest) -> HttpResponse:
    context = {
        "board": Board(request.organization, timezone.now()),
        "prompt_limit": prompting.limit_of(request.organization),
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
        "may_approve": request.membership.may(Permission.APPROVE_BUDGET),
    }
    return render(request, "budgets/budgets.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def new(request: OrgRequest) -> HttpResponse:
    now = timezone.now()
    form = BudgetForm(request.POST or None, organization=request.organization, initial=asked_for(request))
    if form.is_valid():
        anyway = form.cleaned_data["anyway"]
        try:
            made = making.make(request.organization, form.wanted, by=request.user, now=now, anyway=anyway)
        except Problem as problem:
            form.refuse(problem)
        else:
            messages.success(request, f"“{made.name}” is there. It is held against what is spent about once a minute.")
            return redirect("budgets:budget", made.pk)
    context = {"form": form, "suggestion": suggestion(request.organization, now)}
    return render(request, "budgets/new.html", context, status=422 if form.errors else 200)


def asked_for(request: OrgRequest) -> dict[str, str]:
    """What a link to the form fills in."""
    given = {name: request.GET[name][:256] for name in ("name", "of", "values", "amount") if name in request.GET}
    return {"name": "Monthly budget"} | given


@require_GET
@page(Permission.SEE_COSTS)
def budget(request: OrgRequest, budget_id: UUID) -> HttpResponse:
    context = {
        "one": OneBudget(of(request, budget_id), timezone.now(), person=request.user),
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
        "may_approve": request.membership.may(Permission.APPROVE_BUDGET),
        "may_ask": request.membership.may(Permission.ASK_BUDGET),
    }
    return render(request, "budgets/budget.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def change(request: OrgRequest, budget_id: UUID) -> HttpResponse:
    mine = of(request, budget_id)
    first = initial(mine) | {"version": mine.version}
    form = BudgetForm(request.POST or None, organization=request.organization, budget=mine, initial=first)
    if form.is_valid():
        try:
            making.change(mine, form.wanted, by=request.user, now=timezone.now(), version=version(request))
        except Problem as problem:
            form.refuse(problem)
        else:
            messages.success(request, f"“{mine.name}” was changed.")
            return redirect("budgets:budget", budget_id)
    one = OneBudget(mine, timezone.now(), person=request.user)
    context = {"form": form, "budget": mine, "one": one}
    return render(request, "budgets/change.html", context, status=422 if form.errors else 200)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def archive(request: OrgRequest, budget_id: UUID) -> HttpResponse:
    mine = of(request, budget_id)
    making.archive(mine, by=request.user, now=timezone.now())
    messages.success(request, f"“{mine.name}” is archived. Its past periods stay; take it up again at any time.")
    return redirect("budgets:list")


@require_POST
@page(Permission.MANAGE_BUDGETS)
def restore(request: OrgRequest, budget_id: UUID) -> HttpResponse:
    mine = of(request, budget_id)
    try:
        making.restore(mine, by=request.user, now=timezone.now())
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, f"“{mine.name}” is held against what is spent again.")
    return redirect("budgets:budget", budget_id)


def version(request: OrgRequest) -> int:
    """0, which no budget has, for what is no number."""
    said = request.POST.get("version", "").strip()
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else 0


def of(request: OrgRequest, budget_id: UUID) -> Budget:
    return get_object_or_404(Budget.objects.owned_by(request.organization).select_related("department"), pk=budget_id)
