"""Pages of features that are not useful yet: they explain themselves first, and wait under "More". Never a lock."""

from collections.abc import Callable
from typing import cast

from django.core.cache import cache
from django.db.models import TextField, Value
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from accounts import journal
from accounts.http import OrgRequest
from accounts.journal import Event
from accounts.models import Membership, Organization
from onboarding.guidance import seen
from onboarding.guidance.conditions import SDK_REQUESTS, Count
from onboarding.guidance.guide import Guide
from onboarding.guidance.seen import Kind, State
from onboarding.guidance.unlocks import BY_VIEW, Feature
from onboarding.models import Seen, Unlock
from tokentra.lib.tenancy import name_within, organization_scope
from usage.measured import MeasuredDay

HELD = "open_features"  # in the session, by organization: what is open stays open, so it need not be looked up again
MEASURED = "measured"  # pages of what customers' code reports, which explain themselves while they are empty
GATED = frozenset(feature.id for feature in BY_VIEW.values())
# useful by calls of customers' code alone
BY_CALLS = frozenset(
    each.id for each in BY_VIEW.values() if isinstance(each.condition, Count) and each.condition.metric == SDK_REQUESTS
)
UNMEASURED, ASKED_AGAIN_AFTER = "unmeasured", 30  # seconds
WAITING = GATED | {MEASURED}


class FeatureDoor:
    """Answers a person's first look at a page that has nothing for them yet. Corners and JSON pass by."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: OrgRequest, *_: object) -> HttpResponseBase | None:
        match = request.resolver_match
        feature = BY_VIEW.get(match.view_name) if match else None
        if feature is None or request.method != "GET" or request.htmx or request.membership is None:
            return None
        if feature.id in open_features(request) or is_useful(request.membership, feature):
            return None
        return render(request, "onboarding/feature.html", {"feature": feature})


def open_features(request: HttpRequest) -> frozenset[str]:
    """Features with a page of their own that are useful, or that this person opened before: one query at most.

    What is measured is among them once there is an event.
    """
    organization: Organization | None = getattr(request, "organization", None)
    if organization is None or organization.is_sample:  # no code reports to a sample
        return GATED
    person = cast(OrgRequest, request).membership.user_id
    held: dict[str, list[str]] = request.session.get(HELD, {})
    known = frozenset(held.get(str(organization.pk), []))
    if known >= WAITING or (known >= GATED - BY_CALLS and cache.get(name_within(organization.pk, UNMEASURED))):
        return known
    with organization_scope(organization.pk):
        useful = Unlock.objects.owned_by(organization).values_list("feature")
        early = Seen.objects.owned_by(organization).filter(user=person, kind=Kind.EARLY).values_list("key")
        days = MeasuredDay.objects.owned_by(organization).of("all")
        measured = days.values_list(Value(MEASURED, output_field=TextField()))[:1]
        found = WAITING & {name for (name,) in useful.union(early, measured)}
    if MEASURED not in found:
        cache.set(name_within(organization.pk, UNMEASURED), True, ASKED_AGAIN_AFTER)
    if found != known:
        request.session[HELD] = held | {str(organization.pk): sorted(found)}
    return found


def is_useful(membership: Membership, feature: Feature) -> bool:
    with organization_scope(membership.organization_id):
        return feature.id in Guide(membership, now=timezone.now()).useful


def open_early(membership: Membership, feature: Feature) -> None:
    """From now on this person goes straight in; inside the organization's scope."""
    guide = Guide(membership, now=timezone.now())
    if (Kind.EARLY, feature.id) not in guide.seen:
        seen.mark(membership, Kind.EARLY, feature.id, State.STARTED, now=guide.now)
        cache.delete(name_within(guide.organization.pk, UNMEASURED))  # look again
        journal.record(Event.FEATURE_OPENED_EARLY, guide.user, guide.organization, feature=feature.id)
