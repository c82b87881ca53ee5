"""Reads the facts that guidance rests on, inside the organization's scope: five queries, whoever asks."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import Min, Q, Sum

from accounts.journal import Event
from accounts.models import Milestone, Organization, User
from accounts.plans import in_force
from onboarding.guidance.conditions import SDK_REQUESTS, Facts
from usage.measured import MeasuredDay
from usage.models import DayRollup, LedgerDay


def facts_of(
    organization: Organization, user: User | None, *, now: datetime, counts: Mapping[str, int] | None = None
) -> Facts:
    """Without a person, only what is true of the organization."""
    ours: dict[str, datetime] = {Event.SIGNUP_COMPLETED: organization.created_at}  # whoever made it, and how
    mine: dict[str, datetime] = {}
    rows = Milestone.objects.owned_by(organization).filter(Q(user=None) | Q(user=user))
    for event, user_id, at in rows.values_list("event", "user_id", "at"):
        (mine if user_id else ours)[event] = at
    measured = MeasuredDay.objects.owned_by(organization).of("all").aggregate(calls=Sum("calls"))
    return Facts(
        now=now,
        since=organization.created_at,
        ours=ours,
        mine=mine,
        counts={SDK_REQUESTS: measured["calls"] or 0, **(counts or {})},
        read_since=LedgerDay.objects.owned_by(organization).aggregate(first=Min("day"))["first"],
        used_since=DayRollup.objects.owned_by(organization).aggregate(first=Min("day"))["first"],
        plan=in_force(organization.plan, organization.trial_ends_at, now),
        plans_are_enforced=settings.PLANS_ENFORCED,
    )
