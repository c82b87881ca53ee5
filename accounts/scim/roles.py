"""Which role groups give: the largest of them; owners are made and unmade by owners alone."""

from collections.abc import Collection, Iterable
from uuid import UUID

from accounts import team
from accounts.models import Membership, Organization
from accounts.permissions import Role
from accounts.scim.kept import Directory, DirectoryUser

LARGEST_FIRST = (Role.ADMIN, Role.FINANCE, Role.MEMBER, Role.VIEWER)


def largest(roles: Collection[str]) -> Role | None:
    return next((role for role in LARGEST_FIRST if role in roles), None)


def default_role(organization: Organization) -> Role:
    kept = Directory.objects.owned_by(organization).first()
    return Role(kept.default_role) if kept else Role.VIEWER


def settle(organization: Organization, people: Iterable[UUID]) -> None:
    """Give these people what their groups say now, inside the organization's scope.

    Whoever is in no group that has a role keeps theirs, unless it came from a group.
    """
    rows = DirectoryUser.objects.owned_by(organization).filter(pk__in=list(people)).prefetch_related("groups__group")
    members = {
        member.user_id: member
        for member in Membership.objects.filter(organization=organization, user__in=[row.user_id for row in rows])
        .select_related("user", "organization")
        .order_by("pk")
    }
    fallback = default_role(organization)
    for row in rows:
        given = largest({each.group.role for each in row.groups.all()})
        member = members.get(row.user_id)
        if member and member.role != Role.OWNER and (given or row.role_given):
            team.give_role(member, given or fallback, by=None)
        if row.role_given != (given or ""):
            row.role_given = given or ""
            row.save(update_fields=["role_given"])
