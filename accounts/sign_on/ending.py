"""Ends the sessions that an identity provider vouched for, once it may do so no longer."""

from collections.abc import Collection, Mapping
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from accounts.models import Organization
from accounts.sign_on.standing import key_of


def end_vouched(organization: Organization, *, beside: Collection[str] = ()) -> None:
    """Of every member who came by it, but those with an address of these domains; sessions that it did not open go on.

    Inside the organization's scope. A session itself says what it came by: what it acts for may have changed, and so
    may what its person is connected with.
    """
    members = organization.memberships.values("user")
    mine = UserSession.objects.filter(user__in=members).select_related("user")
    held = {each.session_key: each for each in mine if each.user.email.rpartition("@")[2] not in beside}
    for session in Session.objects.filter(pk__in=held):
        if is_vouched(session.get_decoded(), organization):
            held[session.pk].end()


def is_vouched(session: Mapping[str, Any], organization: Organization) -> bool:
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
    return any(key_of(record) == organization.pk.hex for record in records)
