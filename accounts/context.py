"""What every page may say about the person who looks at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.entry import unverified_address


def person(request: HttpRequest) -> dict[str, Any]:
    return {
        "unverified_email": SimpleLazyObject(lambda: unverified_address(request)),
        "mail_is_configured": settings.MAIL_IS_CONFIGURED,
    }
