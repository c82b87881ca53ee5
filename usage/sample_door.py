"""Into the sample workspace and out of it, each in one click; its figures never meet an organization's own."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import samples
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.middleware import act_for
from accounts.permissions import Permission
from tokentra.lib.tenancy import organization_scope
from usage import filling


def is_offered(request: OrgRequest) -> bool:
    """Only to people of a real organization."""
    return not request.organization.is_sample


def look(request: OrgRequest) -> filling.Progress | None:
    """How far the sample workspace is, for its pages; who comes back on a later day finds it brought up to date."""
    if not request.organization.is_sample:
        return None
    filling.ask(request.organization, timezone.now())
    return filling.progress(request.organization)


@require_POST
@page(Permission.SEE_COSTS, scoped=False)
def enter(request: OrgRequest) -> HttpResponse:
    sample = samples.enter_sample(request.user)
    with organization_scope(sample.pk):
        filling.ask(sample, timezone.now(), again=True)
    act_for(request, sample.pk)
    return redirect("usage:dashboard")


@require_POST
@page(Permission.SEE_COSTS, scoped=False)
def leave(request: OrgRequest) -> HttpResponse:
    """Back to the person's own organization; the sample stays for another look."""
    home = samples.leave(request.user)
    if home:
        act_for(request, home.pk)
    return redirect("front_door")


@require_POST
@page(Permission.SEE_COSTS, scoped=False)
def remove(request: OrgRequest) -> HttpResponse:
    """Deletes the sample and everything in it."""
    if samples.remove(request.user):
        messages.success(request, "Your sample workspace is deleted.")
    if home := samples.leave(request.user):
        act_for(request, home.pk)
    return redirect("usage:dashboard")
