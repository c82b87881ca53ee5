"""What follows when a second factor is added, removed, used or refused: the audit log and a letter."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import note_everywhere


@receiver(authenticator_added, dispatch_uid="factor_added")
def added(authenticator: Authenticator, user: User, **_: Any) -> None:
    note_everywhere("second_factor_added", user, kind=authenticator.type)


@receiver(authenticator_removed, dispatch_uid="factor_removed")
def removed(authenticator: Authenticator, user: User, **_: Any) -> None:
    note_everywhere("second_factor_removed", user, kind=authenticator.type)


@receiver(authenticator_reset, dispatch_uid="factor_reset")
def replaced(authenticator: Authenticator, user: User, **_: Any) -> None:
    note_everywhere("recovery_codes_replaced", user)


@receiver(authentication_failed, dispatch_uid="factor_refused")
def refused(authenticator: Authenticator, user: User, **_: Any) -> None:
    note_everywhere("second_factor_refused", user, kind=authenticator.type)


@receiver(authenticator_used, dispatch_uid="factor_used")
def used(request: HttpRequest, authenticator: Authenticator, user: User, **_: Any) -> None:
    """A recovery code stands in for a device that is lost, or is in other hands: its owner hears of it."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        left = len(Authenticator.objects.get(pk=authenticator.pk).wrap().get_unused_codes())
        note_everywhere("recovery_code_used", user, left=left)
        get_adapter(request).send_notification_mail("mfa/email/recovery_code_used", user, {"left": left})
