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
from accounts.models import Organization
from accounts.permissions import Permission
from tokentra.lib.tenancy import organization_scope
from usage import demo
from usage.models import LedgerDay


def is_offered(request: OrgRequest) -> bool:
    """Only to people of a real organization."""
    return not request.organization.is_sample


@require_POST
@page(Permission.SEE_COSTS, scoped=False)
def enter(request: OrgRequest) -> HttpResponse:
    sample = samples.enter_sample(request.user)
    fill_to_today(sample)
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


def fill_to_today(sample: Organization) -> None:
    """Ninety days up to now, unless today's are there already."""
    now = timezone.now()
    with organization_scope(sample.pk):
        billed = LedgerDay.objects.owned_by(sample).filter(day=now.date()).exclude(bill_read_at=None).count()
    if billed < len(demo.USAGE_ENDPOINT):  # the last thing that is written for each provider
        demo.fill(sample.pk, now)
