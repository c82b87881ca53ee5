"""Letters about what opens something: a key that was made or ended goes to the owners, a new browser to its person."""

from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts import letters
from accounts.http import address, caller
from accounts.models import Membership, Organization, User
from accounts.permissions import Role

TOLD = {
    "key_created": "An API key was made",
    "key_replaced": "An API key was replaced",
    "key_revoked": "An API key was revoked",
    "key_misplaced": "An API key was sent where it is written down",
    "connection_created": "A provider was connected",
    "connection_key_replaced": "The key of a connection was replaced",
    "connection_disconnected": "A connection was ended",
    "directory_token_made": "A token for your directory was made",
    "directory_token_revoked": "A token for your directory was revoked",
}
NEW_PERSON = timedelta(hours=1)  # whose first browsers are no news


def tell(action: str, organization: Organization, actor: User | None, data: dict[str, Any]) -> None:
    """Write to each owner but the one who did it, inside the organization's scope."""
    from accounts.sessions import device  # which writes lines of the audit log itself

    if action not in TOLD or organization.is_sample:
        return
    ip, user_agent = caller()
    others = ~Q(user=actor) if actor else Q()
    owners = Membership.objects.filter(others, organization=organization, role=Role.OWNER).select_related("user")
    for owner in owners.order_by("created_at"):
        letters.write(
            "key_event",
            owner.user.email,
            {
                "what": TOLD[action],
                "name": data.get("name", ""),
                "organization": organization,
                "by": actor.email if actor else "",
                "ip": ip,
                "device": device(user_agent) if user_agent else "",
            },
            about=organization.pk,
        )


@receiver(user_logged_in, dispatch_uid="tell of a new browser")
def logged_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    """A browser or program that no session of theirs came with before; nothing of the first hour is new."""
    from accounts.sessions import device  # as above

    if request is None or user.created_at > timezone.now() - NEW_PERSON:
        return
    here = device(request.headers.get("User-Agent", ""))
    known = {device(agent) for agent in UserSession.objects.filter(user=user).values_list("user_agent", flat=True)}
    if here not in known:
        told = {"user_agent": here, "ip": address(request), "timestamp": timezone.now()}
        letters.write("new_login", user.email, told)
