"""What people did and what became true: one enum of events, one way to write a line."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils import timezone

from accounts.models import JournalEntry, Organization, User


class Event(StrEnum):
    SIGNUP_STARTED = "signup_started"
    SIGNUP_METHOD_SELECTED = "signup_method_selected"
    SIGNUP_COMPLETED = "signup_completed"
    EMAIL_VERIFIED = "email_verified"
    PROVIDER_CONNECTION_STARTED = "provider_connection_started"
    PROVIDER_CONNECTION_COMPLETED = "provider_connection_completed"
    PROVIDER_CONNECTION_FAILED = "provider_connection_failed"
    PROVIDER_SYNC_COMPLETED = "provider_sync_completed"
    PROVIDER_DISCONNECTED = "provider_disconnected"
    DASHBOARD_FIRST_VIEW = "dashboard_first_view"
    DASHBOARD_DATA_LOADED = "dashboard_data_loaded"
    OPTIMIZATION_FIRST_VIEW = "optimization_first_view"
    SAMPLE_ENTERED = "sample_entered"
    SAMPLE_LEFT = "sample_left"


def record(
    event: Event, user: User | None, organization: Organization, *, at: datetime | None = None, **data: Any
) -> JournalEntry:
    """Write what became true, inside the organization's scope. `data` is JSON and holds no secret."""
    return JournalEntry.objects.create(
        organization=organization, event=event.value, user=user, at=at or timezone.now(), data=data
    )


def record_once(event: Event, user: User | None, organization: Organization, **data: Any) -> bool:
    """Write the first occurrence for this organization only; True when this call was the first."""
    if JournalEntry.objects.owned_by(organization).filter(event=event.value).exists():
        return False
    record(event, user, organization, **data)
    return True
