"""Records what has become useful, once, and tells who has not heard of it yet."""

from collections.abc import Iterable
from datetime import datetime

from accounts import journal
from accounts.journal import Event
from accounts.models import Organization
from onboarding.guidance import unlocks
from onboarding.guidance.conditions import Facts, trigger_of
from onboarding.guidance.reading import facts_of
from onboarding.guidance.unlocks import FEATURES, Feature
from onboarding.models import Unlock


def recorded(organization: Organization) -> dict[str, datetime]:
    return dict(Unlock.objects.owned_by(organization).values_list("feature", "at"))


def settle(
    organization: Organization,
    facts: Facts,
    known: dict[str, datetime],
    features: Iterable[Feature] = FEATURES,
) -> dict[str, datetime]:
    """Write down what became useful since `known`; answers all of it. A sample workspace has nothing to earn."""
    if organization.is_sample:
        return known
    known = dict(known)
    for feature in unlocks.news(facts, known, features):
        values = {"trigger": trigger_of(feature.condition, facts), "at": facts.now}
        unlock, is_new = Unlock.objects.get_or_create(organization=organization, feature=feature.id, defaults=values)
        known[feature.id] = unlock.at
        if is_new:
            journal.record(Event.FEATURE_UNLOCKED, None, organization, feature=feature.id, trigger=unlock.trigger)
    return known


def settle_now(organization: Organization, *, now: datetime) -> dict[str, datetime]:
    known = recorded(organization)
    if all(feature.id in known for feature in FEATURES):
        return known
    return settle(organization, facts_of(organization, None, now=now), known)
