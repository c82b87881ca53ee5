"""Every login, logout and refused login is a line of the log: when, who, from where, by which way."""

import logging
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from accounts.http import address

log = logging.getLogger(__name__)


@receiver(user_logged_in, dispatch_uid="log a login")
def logged_in(request: Any, user: Any, **_: Any) -> None:
    log.info("login of %s from %s by %s", user.pk, place(request), ways(request))


@receiver(user_logged_out, dispatch_uid="log a logout")
def logged_out(request: Any, user: Any, **_: Any) -> None:
    if user:
        log.info("logout of %s from %s", user.pk, place(request))


@receiver(user_login_failed, dispatch_uid="log a refused login")
def refused(request: Any = None, **_: Any) -> None:
    """Whose it would have been is not said: what was typed there may be a password."""
    log.warning("refused login from %s", place(request))


def place(request: Any) -> str:
    return (address(request) if request else None) or "nowhere"


def ways(request: Any) -> str:
    session = getattr(request, "session", None)
    records = session.get("account_authentication_methods", []) if session else []
    return ", ".join(str(record.get("method", "")) for record in records) or "session"
