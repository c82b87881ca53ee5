"""Onboarding over JSON: who this is and how far they are, and what they told us."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from accounts.gates import api_member, api_person
from accounts.http import OrgRequest
from accounts.models import Membership
from accounts.permissions import Permission
from onboarding import api_shapes as shapes
from onboarding import journeys, profiles
from onboarding.models import Journey
from onboarding.steps import CONNECT, CONTACT
from sdk_keys.api_shapes import shown
from sdk_keys.finding import keys_of
from tokentra.lib.tenancy import organization_scope

router = Router(by_alias=True)


def member(request: HttpRequest) -> OrgRequest:
    return api_member(request, Permission.SEE_COSTS)


@router.get("/auth/me", response=shapes.Me, tags=["accounts"], summary="Who this is, and for which organization")
def me(request: HttpRequest) -> dict[str, Any]:
    user = api_person(request)
    membership: Membership | None = getattr(request, "membership", None)
    person = {
        "id": user.pk,
        "email": user.email,
        "full_name": user.full_name,
        "member_since": user.created_at,
        "onboarding": how_far(membership),
    }
    if membership is None:
        return {"user": person, "organization": None, "api_keys": []}
    home = membership.organization
    organization = {name: getattr(home, name) for name in ("id", "name", "plan", "timezone", "currency")}
    with organization_scope(home.pk):
        keys = [shown(key) for key in keys_of(membership)]
    return {"user": person, "organization": organization | {"role": membership.role}, "api_keys": keys}


def how_far(membership: Membership | None) -> dict[str, str]:
    """Looking begins no journey. The page with somebody to talk to counts as part of connecting."""
    journey = None
    if membership:
        with organization_scope(membership.organization_id):
            journey = Journey.objects.owned_by(membership.organization).filter(user=membership.user_id).first()
    if journey is None:
        return {"status": "not_started", "step": "company"}
    return {"status": journey.status, "step": CONNECT if journey.step == CONTACT else journey.step}


@router.get("/onboarding/profile", auth=member, response=shapes.Profile, summary="What this person told us")
def profile(request: HttpRequest) -> dict[str, Any]:
    asking: OrgRequest = request.auth  # type: ignore[attr-defined]  # ninja keeps there what `member` found
    with organization_scope(asking.organization.pk):
        return profiles.shown(journeys.of(asking.membership))


@router.post(
    "/onboarding/profile",
    auth=member,
    response=shapes.ProfileAnswer,
    exclude_unset=True,
    summary="Answer any of the questions",
)
def save_profile(request: HttpRequest, body: shapes.ProfileBody) -> dict[str, Any]:
    """What is not sent stays as it was. Company answers are for owners and admins."""
    asking: OrgRequest = request.auth  # type: ignore[attr-defined]  # as above
    with organization_scope(asking.organization.pk):
        return profiles.saved(journeys.of(asking.membership), body, now=timezone.now())
