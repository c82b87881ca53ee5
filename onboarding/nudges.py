"""Letters to people who are stuck, and to owners whose trial ends: written once, with the mark that says so."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts import letters, stopping
from accounts.delivery import about_to_send
from accounts.mailed import OutboxMail
from accounts.models import Membership
from accounts.permissions import Permission
from onboarding import journeys, timing
from onboarding.models import Nudge
from onboarding.steps import Came
from onboarding.timing import GUIDANCE, Letter, Standing
from providers import showing
from providers.models import Connection
from tokentra.lib.tenancy import organization_scope
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
    mine = Nudge.objects.owned_by(organization).filter(user=user, kind__in=list(Letter), mail__withdrawn_at=None)
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
    if letter in GUIDANCE:
        connections = [shown for shown in showing.everything(organization, now=now) if not shown.is_gone]
        page = "providers:list" if connections else "onboarding:connect"
        values = {"organization": organization, "connections": connections, "url": settings.SITE_URL + reverse(page)}
        values["is_well"] = not any(shown.has_a_problem for shown in connections)
        mail = letters.guide(letter.value, user, values, about=organization.pk)
    else:
        contact = settings.SALES_CONTACT_URL or settings.SUPPORT_URL
        values = {"organization": organization, "ends_at": organization.trial_ends_at, "contact_url": contact}
        mail = letters.write("trial_ending", user.email, values, about=organization.pk)
    # one that was withdrawn left its mark
    Nudge.objects.update_or_create(
        organization=organization, user=user, kind=letter, defaults={"at": now, "mail": mail}
    )


def listen() -> None:
    about_to_send.connect(no_longer_true, dispatch_uid="nudges")


def no_longer_true(mail: OutboxMail, **_: Any) -> str:
    """Why a letter of ours that waited for the mail server is not sent any more; "" for one that goes out."""
    if mail.about is None:
        return ""
    now = timezone.now()
    with organization_scope(mail.about):
        nudge = Nudge.objects.filter(organization_id=mail.about, mail=mail).first()
        members = Membership.objects.filter(organization_id=mail.about).select_related("organization", "user")
        membership = members.filter(user=nudge.user_id).first() if nudge else None
        if nudge is None or membership is None:
            return "Its reader belongs to the organization no longer."
        if membership.user.email != mail.to:
            return "Its reader has another address now."
        if timing.is_still_due(Letter(nudge.kind), standing_of(membership), now):
            return ""
        membership.look_soon(now)  # what it would say now may be due instead
        return "What it says was true no longer before it could be sent."
