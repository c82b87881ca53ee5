"""Groups of a directory: who is in them, and the role that an owner chose for each."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts import audit
from accounts.models import Organization, User
from accounts.scim import roles
from accounts.scim.kept import DirectoryGroup, DirectoryGroupMember, DirectoryUser
from accounts.scim.people import address_of
from accounts.scim.refusals import Forbidden, Wrong
from tokentra.lib.tenancy import organization_scope

MOST = 2_000  # groups of one directory


@dataclass(frozen=True, slots=True)
class ToldGroup:
    display_name: str
    external_id: str
    members: frozenset[str]


def create(organization: Organization, told: ToldGroup) -> DirectoryGroup:
    """Inside the organization's scope. A new group gives nobody a role."""
    organization.lock()
    if DirectoryGroup.objects.owned_by(organization).count() >= MOST:
        raise Forbidden(f"{MOST:,} groups are the most of one directory.")
    check_words(told)
    now = timezone.now()
    group = DirectoryGroup.objects.create(
        organization=organization,
        display_name=told.display_name,
        external_id=told.external_id,
        created_at=now,
        changed_at=now,
    )
    audit.note("directory_group_added", organization, None, about=group, name=group.display_name)
    set_members(organization, group, told.members)
    return group


def change(
    organization: Organization, group: DirectoryGroup, told: ToldGroup, *, among: Collection[UUID] | None = None
) -> None:
    """Inside the organization's scope. Of members those alone come and go who are `among` these, if it is said."""
    organization.lock()
    check_words(told)
    before = {"displayName": group.display_name, "externalId": group.external_id}
    after = {"displayName": told.display_name, "externalId": told.external_id}
    is_moved = set_members(organization, group, told.members, among=among)
    if before != after or is_moved:
        group.display_name, group.external_id, group.changed_at = told.display_name, told.external_id, timezone.now()
        group.save(update_fields=["display_name", "external_id", "changed_at"])
    if before != after:
        audit.note(
            "directory_group_changed",
            organization,
            None,
            about=group,
            name=told.display_name,
            before=before,
            after=after,
        )


def remove(organization: Organization, group: DirectoryGroup) -> None:
    """Inside the organization's scope: what it gave ends with it."""
    organization.lock()
    people = list(group.members.values_list("person_id", flat=True))
    audit.note("directory_group_removed", organization, None, about=group, name=group.display_name)
    group.delete()
    roles.settle(organization, people)


def set_members(
    organization: Organization, group: DirectoryGroup, wanted: Collection[str], *, among: Collection[UUID] | None = None
) -> bool:
    """Whether anybody came or went."""
    held = group.members.all() if among is None else group.members.filter(person_id__in=among)
    have = set(held.values_list("person_id", flat=True))
    ids = {id_of(each) for each in wanted}
    new, gone = ids - have, have - ids
    known = set(DirectoryUser.objects.owned_by(organization).filter(pk__in=new).values_list("pk", flat=True))
    if new - known:
        raise Wrong("A member of the group is no user of this directory. Create the user first.")
    DirectoryGroupMember.objects.bulk_create(
        DirectoryGroupMember(organization=organization, group=group, person_id=each) for each in sorted(new)
    )
    DirectoryGroupMember.objects.owned_by(organization).filter(group=group, person__in=gone).delete()
    if new or gone:
        told = {"name": group.display_name, "came": addresses(organization, new), "went": addresses(organization, gone)}
        audit.note("directory_group_members_changed", organization, None, about=group, **told)
        if group.role:
            roles.settle(organization, new | gone)
    return bool(new or gone)


def choose_role(organization: Organization, group: DirectoryGroup, role: str, *, by: User) -> None:
    """An owner decides what a group of the directory is here, unless it is gone by now."""
    with organization_scope(organization.pk):
        organization.lock()
        found = DirectoryGroup.objects.owned_by(organization).filter(pk=group.pk).first()
        if found is None or found.role == role:
            return
        group, before = found, found.role
        group.role = role
        group.save(update_fields=["role"])
        told = {"name": group.display_name, "before": before, "after": role}
        audit.note("directory_group_role_chosen", organization, by, about=group, **told)
        roles.settle(organization, group.members.values_list("person_id", flat=True))


def addresses(organization: Organization, people: Collection[UUID]) -> list[str]:
    """As the directory has them, of the first hundred: a line of the audit log is read by people."""
    rows = DirectoryUser.objects.owned_by(organization).filter(pk__in=sorted(people)[:100]).order_by("pk")
    return [address_of(row) for row in rows.only("addresses", "name_key")]


def id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Wrong("A member of the group is no user of this directory. Create the user first.") from None


def check_words(told: ToldGroup) -> None:
    if not told.display_name.strip():
        raise Wrong("displayName is empty.")
    if len(told.display_name) > 256 or len(told.external_id) > 254:
        raise Wrong("displayName or externalId is too long.")
