"""Sessions of a person: the others end when a password or address changes."""

import time
from typing import Any

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from accounts import audit
from accounts.models import Membership, User
from tokentra.lib.tenancy import organization_scope, scoped_organization, user_scope

BEGAN = "began_at"
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def began(request: HttpRequest) -> None:
    """From now on the session's age counts."""
    request.session[BEGAN] = time.time()


def device(user_agent: str) -> str:
    """`Firefox on Windows`, or what a program calls itself."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return user_agent[:60] or "Unknown"


def end_others(request: HttpRequest) -> None:
    """Log every other session of this person out, and give this one a new id."""
    user = request.user
    if not isinstance(user, User):
        return
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        session.end()
    UserSession.objects.filter(user=user).delete()
    request.session.cycle_key()


def note_everywhere(action: str, user: User, **data: Any) -> None:
    """Put something about a person's account into the audit log of each organization they belong to."""
    if scoped_organization():
        return
    with user_scope(user.pk):
        organizations = [membership.organization for membership in Membership.objects.of(user)]
    for organization in organizations:
        with organization_scope(organization.pk):
            audit.note(action, organization, user, **data)
