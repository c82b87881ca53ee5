"""What every page may say about the person who looks at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.entry import unverified_address
from accounts.models import Organization
from accounts.plan_door import left


def person(request: HttpRequest) -> dict[str, Any]:
    return {
        "unverified_email": SimpleLazyObject(lambda: unverified_address(request)),
        "mail_is_configured": settings.MAIL_IS_CONFIGURED,
        "trial_days_left": trial_days_left(request),
        "signup_is_open": settings.SIGNUP_IS_OPEN,
    }


def trial_days_left(request: HttpRequest) -> int | None:
    organization: Organization | None = getattr(request, "organization", None)
    return left(organization) if organization else None
