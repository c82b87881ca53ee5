"""Doors to what came with somebody's keys: the corner that looks often, and the page of the latest of each key."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from accounts import journal
from accounts.gates import page
from accounts.http import OrgRequest
from accounts.journal import Event
from accounts.permissions import Permission
from sdk_keys import snippets
from sdk_keys.arriving import Arrival, Arriving, last_of, nearly_keys
from sdk_keys.finding import keys_of
from sdk_keys.models import ApiKey
from sdk_keys.outcomes import outcome_of

MOST_KEYS = 50


def look(request: OrgRequest, *, only: UUID | None = None) -> Arriving:
    """What came lately with this member's keys, or the one they wait for; whoever sees their first call has set up."""
    now = timezone.now()
    since, only = waiting_since(request.GET.get("since", ""), now), only or waited_for(request.GET.get("key", ""))
    found = Arriving(request.membership, now=now, since=since, only=only)
    if found.has_worked and not request.organization.is_sample:
        journal.record_once(Event.SDK_SETUP_COMPLETED, request.user, request.organization)
    return found


def waiting_since(told: str, now: datetime) -> datetime:
    try:
        since = parse_datetime(told)
    except ValueError:
        since = None
    return min(since, now) if since and since.tzinfo else now


def waited_for(told: str) -> UUID | None:
    try:
        return UUID(told)
    except ValueError:
        return None


@require_GET
@page(Permission.MANAGE_OWN_KEYS)
def arriving(request: OrgRequest) -> HttpResponse:
    """Asked for every second by a page that waits: 204 while there is nothing new."""
    found = look(request)
    if request.htmx and request.GET.get("mark") == found.mark:
        return HttpResponse(status=204)
    return render(request, "sdk_keys/_arriving.html", {"arriving": found})


@dataclass(frozen=True)
class Latest:
    key: ApiKey
    arrivals: list[Arrival]
    now: datetime

    @property
    def line(self) -> str:
        return f"{self.key.masked}, {self.key.state(self.now).label.lower()}"


@require_GET
@page(Permission.MANAGE_OWN_KEYS)
def troubleshooting(request: OrgRequest) -> HttpResponse:
    """The latest of each outcome of each key, ended ones too: a program may still send one."""
    now = timezone.now()
    keys = list(keys_of(request.membership)[:MOST_KEYS])
    found = last_of(request.organization, keys)
    rows = [
        Latest(key, [Arrival(row.at, "", outcome_of(row.outcome), row.way, row.field, row.said) for row in of_key], now)
        for key, of_key in found
    ]
    context = {"rows": rows, "nearly": nearly_keys(keys), "test": snippets.send_test()}
    return render(request, "sdk_keys/troubleshooting.html", context)
