"""The staff's door to the plan of one organization."""

from typing import Any, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from accounts import plan_changes
from accounts.gates import recently_proved
from accounts.models import Organization, User
from accounts.plans import Plan
from accounts.staff import STAFF


class PlanForm(forms.Form):
    plan = forms.ChoiceField(choices=[(plan.value, plan.value) for plan in Plan])
    trial_ends_at = forms.DateTimeField(
        required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )


@require_http_methods(["GET", "POST"])
def plan_of(request: HttpRequest, organization_id: UUID, admin: "ModelAdmin[Any]") -> HttpResponse:
    organization = get_object_or_404(Organization.objects.using(STAFF), pk=organization_id)
    initial = {"plan": organization.plan, "trial_ends_at": organization.trial_ends_at}
    form = PlanForm(request.POST or None, initial=initial)
    if form.is_valid():
        recently_proved(request)
        told = form.cleaned_data
        plan_changes.change(organization.pk, Plan(told["plan"]), told["trial_ends_at"], by=cast(User, request.user))
        messages.success(request, f"{organization.name} has the plan {told['plan']} now.")
        return redirect("admin:accounts_organization_changelist")
    context = admin.admin_site.each_context(request) | {
        "title": f"Plan of {organization.name}", "form": form, "is_enforced": settings.PLANS_ENFORCED,
        "opts": Organization._meta,
    }  # fmt: skip
    return TemplateResponse(request, "admin/accounts/plan.html", context, status=422 if form.errors else 200)
