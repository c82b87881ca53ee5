"""What an organization watches for: the list of rules, making one, changing it, switching it off."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.permissions import Permission
from budgets.alerting import given, ruling
from budgets.alerting.forms import RuleForm, first_values, form_of
from budgets.alerting.kinds import BY_ID, OFFERED, Kind
from budgets.alerting.models import AlertRule
from tokentra.lib.problems import Problem


@require_GET
@page(Permission.SEE_COSTS)
def rules(request: OrgRequest) -> HttpResponse:
    given.ensure(request.organization, now=timezone.now())
    mine = AlertRule.objects.owned_by(request.organization).order_by("created_at", "pk")
    context = {
        "rules": [(rule, BY_ID[rule.kind], ruling.in_words(rule)) for rule in mine if rule.kind in BY_ID],
        "offered": OFFERED,
        "may_change": request.membership.may(Permission.MANAGE_BUDGETS),
    }
    return render(request, "budgets/alerts/rules.html", context)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def new_rule(request: OrgRequest) -> HttpResponse:
    kind = offered(request)
    form = form_of(kind)(request.POST or None, initial=first_values(kind))
    if request.method == "POST" and form.is_valid():
        try:
            rule = ruling.make(request.organization, kind, form.cleaned_data, by=request.user, now=timezone.now())
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            messages.success(request, f"{rule.name} is watched for from now on.")
            return redirect("alerts:rules")
    return drawn(request, kind, form)


@require_http_methods(["GET", "POST"])
@page(Permission.MANAGE_BUDGETS)
def rule(request: OrgRequest, alert_rule_id: UUID) -> HttpResponse:
    held = rule_of(request, alert_rule_id)
    kind = BY_ID[held.kind]
    form = form_of(kind)(request.POST or None, initial=ruling.values(held))
    if request.method == "POST" and form.is_valid():
        ruling.change(held, form.cleaned_data, by=request.user, now=timezone.now())
        messages.success(request, f"{held.name} is changed.")
        return redirect("alerts:rules")
    return drawn(request, kind, form, held)


@require_POST
@page(Permission.MANAGE_BUDGETS)
def switch(request: OrgRequest, alert_rule_id: UUID) -> HttpResponse:
    held = rule_of(request, alert_rule_id)
    try:
        is_on = ruling.switch(held, by=request.user, now=timezone.now())
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, f"{held.name} is {'on' if is_on else 'off'}.")
    return redirect("alerts:rules")


@require_POST
@page(Permission.MANAGE_BUDGETS)
def remove(request: OrgRequest, alert_rule_id: UUID) -> HttpResponse:
    held = rule_of(request, alert_rule_id)
    if held.is_given:
        messages.info(request, f"{held.name} comes with every organization. Switch it off instead.")
    else:
        ruling.remove(held, by=request.user, now=timezone.now())
        messages.success(request, f"{held.name} is gone. Its alerts stay.")
    return redirect("alerts:rules")


def drawn(request: OrgRequest, kind: Kind, form: RuleForm, rule: AlertRule | None = None) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "budgets/alerts/rule.html", {"kind": kind, "form": form, "rule": rule}, status=status)


def offered(request: OrgRequest) -> Kind:
    kind = BY_ID.get(request.GET.get("kind", "custom"))
    if kind is None or kind not in OFFERED:
        raise Http404
    return kind


def rule_of(request: OrgRequest, alert_rule_id: UUID) -> AlertRule:
    return get_object_or_404(AlertRule.objects.owned_by(request.organization), pk=alert_rule_id)
