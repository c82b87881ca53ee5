"""Where a session may go: one that came by an organization's sign-on works in that organization and nowhere else."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest

from accounts import audit
from accounts.models import Membership, User
from accounts.permissions import Role
from tokentra.lib.tenancy import organization_scope, user_scope


@dataclass(frozen=True, slots=True)
class Standing:
    """What a session has shown: that its person is who they are by themselves, and which organizations vouched."""

    is_own: bool
    vouched: frozenset[UUID]

    def admits(self, membership: Membership) -> bool:
        organization = membership.organization
        if organization.pk in self.vouched:
            return True
        return self.is_own and (not organization.sign_on_required or membership.role == Role.OWNER)

    def may_see(self, membership: Membership) -> bool:
        """Whether it may know of it at all: a provider is told nothing of its people's other organizations."""
        return self.is_own or membership.organization_id in self.vouched


def standing(request: HttpRequest) -> Standing:
    user = request.user if isinstance(request.user, User) else None
    records = get_authentication_records(request, user)
    vouched = frozenset(UUID(hex=key) for record in records if (key := key_of(record)))
    return Standing(not vouched or any(is_own(record) for record in records), vouched)


def key_of(record: dict[str, Any]) -> str:
    """The sign-on behind a proof; "" for any other."""
    key = str(record.get("provider", ""))
    return key if record.get("method") == "socialaccount" and is_key(key) else ""


def is_own(record: dict[str, Any]) -> bool:
    """A second step stands for nobody by itself."""
    if record.get("method") == "mfa":
        return bool(record.get("passwordless"))
    return record.get("method") != "signup" and not key_of(record)


def is_key(provider: str) -> bool:
    return len(provider) == 32 and all(letter in "0123456789abcdef" for letter in provider)


def note_break_glass(request: HttpRequest, user: User) -> None:
    """An owner may come in past a required sign-on, for the day on which it does not work; the audit log says so."""
    shown = standing(request)
    with user_scope(UUID(str(user.pk))):  # a text, where a form was filled in on the way
        past = [m for m in Membership.objects.of(user) if m.organization.sign_on_required]
    for member in past:
        if member.role == Role.OWNER and member.organization_id not in shown.vouched:
            with organization_scope(member.organization_id):
                audit.note("owner_came_past_sign_on", member.organization, user, about=member)
