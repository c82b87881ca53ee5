"""The audit log: who did what to which object."""

from typing import Any

from django.db.models import Model
from django.utils import timezone

from accounts import owner_letters
from accounts.http import caller, directory_in_use, key_in_use
from accounts.models import AuditLine, Organization, User


def note(
    action: str, organization: Organization, actor: User | None, *, about: Model | None = None, **data: Any
) -> None:
    """Write one line inside the organization's scope. `action` is past tense, like `connection_paused`.

    Address and browser are those of the request that is being served, if one is; so is its API key or the token
    of its directory, which stand in for a person. Owners are told by mail of what opens something.
    """
    ip, user_agent = caller()
    if key := key_in_use():
        data["api_key"] = str(key)
    if token := directory_in_use():
        data["directory"] = str(token)
    AuditLine.objects.create(
        organization=organization,
        actor=actor,
        action=action,
        object_type=about._meta.model_name or "" if about else "",
        object_id=str(about.pk) if about else "",
        at=timezone.now(),
        ip=ip,
        user_agent=user_agent,
        data=data,
    )
    owner_letters.tell(action, organization, actor, data)
