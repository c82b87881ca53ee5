"""What a first occurrence means for guidance: an item of the checklist is done, a feature has become useful."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts import journal
from accounts.journal import Event, milestone_reached
from accounts.milestones import First
from accounts.models import Organization, User
from onboarding.guidance import checklist, unlocking

OURS = {  # what guidance writes itself leads to nothing further
    Event.CHECKLIST_ITEM_COMPLETED,
    Event.CHECKLIST_FULLY_COMPLETED,
    Event.CHECKLIST_DISMISSED,
    Event.FEATURE_UNLOCKED,
    Event.FEATURE_UNLOCK_CELEBRATED,
    Event.FEATURE_OPENED_EARLY,
    Event.TOUR_STARTED,
    Event.TOUR_STEP_VIEWED,
    Event.TOUR_COMPLETED,
    Event.TOUR_SKIPPED,
    Event.TOOLTIP_DISMISSED,
}


def listen() -> None:
    milestone_reached.connect(noticed, dispatch_uid="guidance")


def noticed(event: Event, organization: Organization, user: User | None, at: datetime, first: First, **_: Any) -> None:
    if event in OURS or organization.is_sample:
        return
    for item in checklist.ITEMS:
        if item.event == event and (first.of_person if item.personal else first.here):
            journal.record(Event.CHECKLIST_ITEM_COMPLETED, user, organization, at=at, item=item.id)
    if first.here:
        unlocking.settle_now(organization, now=timezone.now())  # `at` may lie before this person came
