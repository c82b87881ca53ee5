"""The page of the plan, and the one that stands in for what the plan does not include."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import entitlement, plans
from accounts.entitlement import NotInPlan
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.models import Membership, Organization
from accounts.permissions import Permission, Role
from accounts.plans import Plan
from tokentra.lib.tenancy import organization_scope

MOST_OWNERS = 3


@require_GET
@page(Permission.SEE_COSTS)
def plan(request: OrgRequest) -> HttpResponse:
    organization = request.organization
    standing = entitlement.standing_of(organization)
    context = asking(organization) | {
        "standing": standing,
        "title": standing.plan.value.capitalize(),
        "days_left": left(organization),
        "ended_at": organization.trial_ends_at if organization.plan == Plan.FREE else None,
        "columns": [(each, each == standing.plan) for each in plans.ORDER],
        "lines": [(line.label, [line.words(each) for each in plans.ORDER]) for line in plans.LINES],
        "coming": plans.COMING.values(),
        "off": [each.value.replace("_", " ").capitalize() for each in plans.Switch if each in standing.switched_off],
    }
    return render(request, "accounts/plan.html", context)


def left(organization: Organization) -> int | None:
    """How many days a trial still lasts; None without one that means anything."""
    ends = entitlement.standing_of(organization).trial_ends_at
    return plans.days_left(ends, timezone.now()) if settings.PLANS_ENFORCED and ends else None


def upgrade(request: HttpRequest, refused: NotInPlan) -> HttpResponse:
    """Says what is not included, why, and whom to ask: a plan is changed by the operator's staff."""
    organization: Organization | None = getattr(request, "organization", None)
    context = {"refused": refused} | (asking(organization) if organization else {})
    return render(request, "accounts/upgrade.html", context, status=403)


def asking(organization: Organization) -> dict[str, Any]:
    """Who decides about the plan, and where the operator is to be reached."""
    with organization_scope(organization.pk):
        owners = Membership.objects.filter(organization=organization, role=Role.OWNER).select_related("user")
        names = [owner.user.email for owner in owners.order_by("created_at")[:MOST_OWNERS]]
    return {"owners": names, "contact_url": settings.SALES_CONTACT_URL or settings.SUPPORT_URL}
