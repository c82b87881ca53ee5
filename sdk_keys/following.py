"""Which programs follow the routing rules: a corner of the page of routing says by which keys they are read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.gates import page
from accounts.http import OrgRequest
from accounts.models import Membership
from accounts.permissions import Permission
from sdk_keys.attempts import RULES
from sdk_keys.finding import keys_of
from sdk_keys.models import ApiKey, Attempt

STILL = timedelta(minutes=5)  # a program that follows them asks about each minute
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Following:
    """A key by which rules were asked for; None where it is somebody else's."""

    key: ApiKey | None
    at: datetime
    now: datetime

    @property
    def is_on(self) -> bool:
        return self.at >= self.now - STILL


def followers(member: Membership, *, now: datetime) -> list[Following]:
    """Inside the organization's scope, the latest first."""
    found = Attempt.objects.owned_by(member.organization).filter(outcome=RULES).order_by("-at")
    asked = list(found.values_list("key_id", "at")[:MOST_SHOWN])
    theirs = keys_of(member).in_bulk([key_id for key_id, _ in asked])
    return [Following(theirs.get(key_id), at, now) for key_id, at in asked]


@require_GET
@page(Permission.MANAGE_OWN_KEYS)
def following(request: OrgRequest) -> HttpResponse:
    now = timezone.now()
    return render(request, "sdk_keys/_following.html", {"followers": followers(request.membership, now=now)})
