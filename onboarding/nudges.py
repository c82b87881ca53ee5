"""Letters to people who are stuck, and to owners whose trial ends: written once, with the mark that says so."""

from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from accounts import letters, stopping
from accounts.models import Membership
from accounts.permissions import Permission
from onboarding import journeys, timing
from onboarding.models import Nudge
from onboarding.steps import Came
from onboarding.timing import GUIDANCE, Letter, Standing
from providers import showing
from providers.models import Connection
from usage.models import DayRollup


def look(membership: Membership, *, now: datetime) -> datetime | None:
    """Write what is due to this person; answers when to look again. Inside the organization's scope, the row locked."""
    standing = standing_of(membership)
    letter = timing.due(standing, now)
    if letter:
        morning = timing.daytime(now, membership.organization.timezone)
        if morning > now:
            return morning
        write(letter, membership, now=now)
        standing = replace(standing, written={**standing.written, letter: now})
    return timing.next_look(standing, now)


def standing_of(membership: Membership) -> Standing:
    organization, user = membership.organization, membership.user
    mine = Nudge.objects.owned_by(organization).filter(user=user, kind__in=list(Letter))
    connections = Connection.objects.owned_by(organization).active().order_by("created_at")
    decides = membership.may(Permission.OWN) and organization.plan == "free"
    return Standing(
        joined_at=membership.created_at,
        can_connect=membership.may(Permission.MANAGE_CONNECTIONS) and not is_further(membership),
        takes_guidance=stopping.takes_guidance(user),
        connected_at=connections.values_list("created_at", flat=True).first(),
        has_data=DayRollup.objects.owned_by(organization).exists(),
        trial_ends_at=organization.trial_ends_at if decides else None,
        hears_of_trial=settings.PLANS_ENFORCED and stopping.is_reachable(user),
        written={Letter(kind): at for kind, at in mine.values_list("kind", "at")},
    )


def is_further(membership: Membership) -> bool:
    """Whether they made it beside an organization that they had: they know the way and need no letter for each."""
    return journeys.came_of(membership) is Came.ANOTHER


def write(letter: Letter, membership: Membership, *, now: datetime) -> None:
    organization, user = membership.organization, membership.user
    Nudge.objects.create(organization=organization, user=user, kind=letter, at=now)
    if letter in GUIDANCE:
        connections = [shown for shown in showing.everything(organization, now=now) if not shown.is_gone]
        page = "providers:list" if connections else "onboarding:connect"
        values = {"organization": organization, "connections": connections, "url": settings.SITE_URL + reverse(page)}
        values["is_well"] = not any(shown.has_a_problem for shown in connections)
        letters.guide(letter.value, user, values)
    else:
        contact = settings.SALES_CONTACT_URL or settings.SUPPORT_URL
        values = {"organization": organization, "ends_at": organization.trial_ends_at, "contact_url": contact}
        letters.write("trial_ending", user.email, values)
