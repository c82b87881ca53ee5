"""What people did and what became true: one enum of events, one way to write a line."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.dispatch import Signal
from django.utils import timezone

from accounts import milestones
from accounts.milestones import First
from accounts.models import JournalEntry, Organization, User

milestone_reached = Signal()
"""Sent inside the writing transaction when an event was the organization's or the person's first of its kind:
`event`, `organization`, `user` (None for the product itself), `at`, and `first`, which says for whom."""


class Event(StrEnum):
    SIGNUP_STARTED = "signup_started"
    SIGNUP_METHOD_SELECTED = "signup_method_selected"
    SIGNUP_COMPLETED = "signup_completed"
    EMAIL_VERIFIED = "email_verified"
    ORGANIZATION_CREATED = "organization_created"
    TEAM_INVITE_SENT = "team_invite_sent"
    TEAM_INVITE_ACCEPTED = "team_invite_accepted"
    PROVIDER_KEY_REQUESTED = "provider_key_requested"
    PROVIDER_CONNECTION_STARTED = "provider_connection_started"
    PROVIDER_CONNECTION_COMPLETED = "provider_connection_completed"
    PROVIDER_CONNECTION_FAILED = "provider_connection_failed"
    PROVIDER_SYNC_COMPLETED = "provider_sync_completed"
    PROVIDER_DISCONNECTED = "provider_disconnected"
    DASHBOARD_FIRST_VIEW = "dashboard_first_view"
    DASHBOARD_DATA_LOADED = "dashboard_data_loaded"
    OPTIMIZATION_FIRST_VIEW = "optimization_first_view"
    BUDGET_CREATED = "budget_created"
    ALERT_CREATED = "alert_created"
    ALLOCATION_RULE_CREATED = "allocation_rule_created"
    SAMPLE_ENTERED = "sample_entered"
    SAMPLE_LEFT = "sample_left"
    QUESTIONNAIRE_STARTED = "questionnaire_started"
    QUESTIONNAIRE_STEP_COMPLETED = "questionnaire_step_completed"
    QUESTIONNAIRE_STEP_SKIPPED = "questionnaire_step_skipped"
    QUESTIONNAIRE_COMPLETED = "questionnaire_completed"
    QUESTIONNAIRE_ABANDONED = "questionnaire_abandoned"
    CHECKLIST_ITEM_COMPLETED = "checklist_item_completed"
    CHECKLIST_FULLY_COMPLETED = "checklist_fully_completed"
    CHECKLIST_DISMISSED = "checklist_dismissed"
    FEATURE_UNLOCKED = "feature_unlocked"
    FEATURE_UNLOCK_CELEBRATED = "feature_unlock_celebrated"
    FEATURE_OPENED_EARLY = "feature_opened_early"
    TOUR_STARTED = "tour_started"
    TOUR_STEP_VIEWED = "tour_step_viewed"
    TOUR_COMPLETED = "tour_completed"
    TOUR_SKIPPED = "tour_skipped"
    TOOLTIP_DISMISSED = "tooltip_dismissed"
    SDK_SETUP_STARTED = "sdk_setup_started"
    SDK_LANGUAGE_SELECTED = "sdk_language_selected"
    SDK_API_KEY_COPIED = "sdk_api_key_copied"
    SDK_CODE_COPIED = "sdk_code_copied"
    SDK_SETUP_SKIPPED = "sdk_setup_skipped"
    SDK_FIRST_REQUEST = "sdk_first_request"
    SDK_SETUP_COMPLETED = "sdk_setup_completed"


def record(
    event: Event, user: User | None, organization: Organization, *, at: datetime | None = None, **data: Any
) -> JournalEntry:
    """Write what became true, inside the organization's scope. `data` is JSON and holds no secret."""
    at = at or timezone.now()
    first = milestones.reach(event.value, user, organization, at=at)
    return write(event, user, organization, first=first, at=at, data=data)


def record_once(event: Event, user: User | None, organization: Organization, **data: Any) -> bool:
    """Write this person's first occurrence here only (without a person, the organization's); True when it was."""
    if milestones.is_reached(event.value, user, organization):
        return False
    at = timezone.now()
    first = milestones.reach(event.value, user, organization, at=at)
    if not (first.of_person if user else first.here):  # another request was faster
        return False
    write(event, user, organization, first=first, at=at, data=data)
    return True


def write(
    event: Event, user: User | None, organization: Organization, *, first: First, at: datetime, data: dict[str, Any]
) -> JournalEntry:
    entry = JournalEntry.objects.create(organization=organization, event=event.value, user=user, at=at, data=data)
    if first:
        milestone_reached.send(sender=Event, event=event, organization=organization, user=user, at=at, first=first)
    return entry
