"""The people of an organization: what role each has, who goes, and that an owner is always there."""

from collections.abc import Iterable
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts import audit
from accounts.middleware import CURRENT
from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from accounts.sign_on import coming_back
from accounts.sign_on.ending import is_vouched
from tokentra.lib.tenancy import organization_scope


class LastOwner(Exception):
    """The change would have left an organization without an owner; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("An organization needs at least one owner.")


def change_role(organization: Organization, member_id: UUID, role: Role, *, by: User) -> None:
    """Raises Http404 for nobody of this organization, LastOwner, and PermissionDenied for too small a role."""
    with organization_scope(organization.pk):
        member = locked(organization, member_id)
        keep_an_owner(member, role)
        may_change(organization, by, Role(member.role), role)
        give_role(member, role, by=by)


def remove(organization: Organization, member_id: UUID, *, by: User) -> None:
    """Take a member out; sessions of theirs that act here end at once. Raises as `change_role` does."""
    with organization_scope(organization.pk):
        member = locked(organization, member_id)
        keep_an_owner(member, None)
        may_change(organization, by, Role(member.role))
        take_out(member, by=by)
        if member.user != by:
            coming_back.keep_out(organization, member.user)


def give_role(member: Membership, role: Role, *, by: User | None) -> None:
    """Whoever may be asked was asked; `by` is None for the directory."""
    before, member.role = member.role, role
    if before == role:
        return
    member.save(update_fields=["role"])
    take_back_offers(member.organization, member.user, [each for each in Role if not member.may_give(each)])
    if by:  # nobody is stuck whom the directory moves
        member.look_soon(timezone.now())
    said = {"email": member.user.email, "before": before, "after": role.value}
    audit.note("role_changed", member.organization, by, about=member, **said)
    if member.user != by:  # whoever changes their own goes on, in a session of a new id
        end_sessions(member.organization, member.user)


def take_out(member: Membership, *, by: User | None) -> None:
    """As above."""
    organization, user = member.organization, member.user
    audit.note("member_removed", organization, by, about=member, email=user.email, role=member.role)
    take_back_offers(organization, user)
    member.delete()
    if user != by:
        end_sessions(organization, user)


def leave(membership: Membership) -> None:
    """Raises LastOwner for the only owner, and Http404 for somebody who was removed meanwhile."""
    organization = membership.organization
    with organization_scope(organization.pk):
        member = locked(organization, membership.pk)
        keep_an_owner(member, None)
        audit.note("member_left", organization, member.user, about=member, email=member.user.email, role=member.role)
        take_back_offers(organization, member.user)
        member.delete()


def hand_over(organization: Organization, member_id: UUID, *, by: Membership) -> None:
    """Make a member an owner and oneself an admin, both or neither. Raises as `change_role` does."""
    with organization_scope(organization.pk):
        change_role(organization, member_id, Role.OWNER, by=by.user)
        if member_id != by.pk:
            change_role(organization, by.pk, Role.ADMIN, by=by.user)


def locked(organization: Organization, member_id: UUID) -> Membership:
    """A member as they are now: one change to who belongs here at a time."""
    organization.lock()
    return get_object_or_404(organization.memberships.select_related("user"), pk=member_id)


def take_back_offers(organization: Organization, user: User, roles: Iterable[Role] = Role) -> None:
    """Invitations of somebody who may give these roles no longer open no door any more."""
    theirs = organization.invitations.unanswered().filter(invited_by=user, role__in=list(roles))
    theirs.update(revoked_at=timezone.now())


def keep_an_owner(member: Membership, role: Role | None) -> None:
    owners = member.organization.memberships.filter(role=Role.OWNER)
    if member.role == Role.OWNER and role is not Role.OWNER and not owners.exclude(pk=member.pk).exists():
        raise LastOwner


def may_change(organization: Organization, by: User, *roles: Role) -> None:
    """Owners and admins change who has these roles; owners are made and unmade by owners."""
    mine = organization.memberships.filter(user=by).first()
    if mine is None or not all(mine.may_give(role) for role in roles):
        raise PermissionDenied("Owners and admins change roles, and only an owner changes who is an owner.")


def end_sessions(organization: Organization, user: User) -> None:
    """End a person's sessions that act for this organization or came by its sign-on; others go on."""
    for session in UserSession.objects.filter(user=user):
        held = SessionStore(session.session_key).load()
        if held.get(CURRENT) in {None, str(organization.pk)} or is_vouched(held, organization):
            session.end()
