"""Users and groups as SCIM has them: what this service keeps of each, and no more."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.urls import reverse
from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ComplexAttribute,
    Context,
    ETag,
    Filter,
    Meta,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

from accounts.http import absolute
from accounts.scim.groups import ToldGroup
from accounts.scim.kept import DirectoryGroup, DirectoryUser
from accounts.scim.people import Told, clean

MOST_OF_A_PAGE = 200
# what Microsoft Entra sends beyond the standard, and attributes that are not kept here
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Name(ComplexAttribute):
    formatted: str | None = None
    """The whole name."""

    family_name: str | None = None
    """The last name."""

    given_name: str | None = None
    """The first name."""


class Email(ComplexAttribute):
    value: str | None = None
    """An address. The primary one, else the first, is what its person is known by here."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """Which of their addresses it is."""

    primary: bool | None = None
    """Whether it is the one that mail goes to."""


class GroupOfUser(ComplexAttribute):
    value: Annotated[str | None, Mutability.read_only] = None
    """The id of the group."""

    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the group."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""


class User(Resource[Any]):
    """A person whom the directory tells of; active ones are members of the organization."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """What the directory calls them: their address, where no emails are sent."""

    name: Name | None = None
    """The parts of their name."""

    display_name: str | None = None
    """Their name."""

    active: bool | None = None
    """Whether they are a member of the organization."""

    emails: list[Email] | None = None
    """Their addresses."""

    groups: Annotated[list[GroupOfUser] | None, Mutability.read_only] = None
    """The groups that they are in."""


class GroupMember(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable] = None
    """The id of a user."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of that user."""


class Group(Resource[Any]):
    """A group of the directory. Owners choose which role it gives."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """What it is called."""

    members: list[GroupMember] | None = None
    """Its users."""


MODELS = (User, Group)


def service() -> ServiceProviderConfig:
    """What this service can do, and what it cannot."""
    return ServiceProviderConfig(
        documentation_uri=absolute(reverse("guide:page", args=["directory"])),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_OF_A_PAGE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=False),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Token of the organization",
                description="Made by an owner under Settings, Sign-on.",
                primary=True,
            )
        ],
        meta=Meta(resource_type="ServiceProviderConfig", location=address("ServiceProviderConfig")),
    )


def resource_types() -> list[ResourceType]:
    found = []
    for model in MODELS:
        kind = ResourceType.from_resource(model)
        kind.meta = Meta(resource_type="ResourceType", location=address("ResourceTypes", kind.id or ""))
        found.append(kind)
    return found


def schemas() -> list[Any]:
    found = []
    for model in MODELS:
        schema = model.to_schema()
        schema.meta = Meta(resource_type="Schema", location=address("Schemas", str(schema.id)))
        found.append(schema)
    return found


def user_of(row: DirectoryUser, *, is_active: bool) -> User:
    """A row as it is sent; its groups are prefetched."""
    user = User.model_validate({"userName": row.name_key} | row.told)
    user.id, user.external_id, user.active = str(row.pk), row.external_id or None, is_active
    user.groups = [
        GroupOfUser(value=str(each.group_id), ref=address("Groups", each.group_id), display=each.group.display_name)
        for each in row.groups.all()
    ] or None
    user.meta = meta("User", row.created_at, row.changed_at, address("Users", row.pk))
    return user


def told_by(user: User) -> Told:
    """What of a resource is kept."""
    emails = [each for each in user.emails or [] if each.value]
    emails.sort(key=lambda each: not each.primary)
    name = user.name or Name()
    full = user.display_name or name.formatted or " ".join(filter(None, (name.given_name, name.family_name)))
    resource = user.model_dump(scim_ctx=Context.DEFAULT)
    return Told(
        user_name=user.user_name or "",
        external_id=user.external_id or "",
        emails=[str(each.value) for each in emails],
        name=clean(full),
        is_active=user.active,
        resource={key: resource[key] for key in ("userName", "name", "displayName", "emails") if key in resource},
    )


def group_of(group: DirectoryGroup, members: Iterable[UUID] = ()) -> Group:
    """A row as it is patched, with those of its members that are told of."""
    shown = Group(display_name=group.display_name)
    shown.id, shown.external_id = str(group.pk), group.external_id or None
    shown.members = [GroupMember(**each) for each in members_of(members, ("value", "$ref"))] or None
    shown.meta = meta("Group", group.created_at, group.changed_at, address("Groups", group.pk))
    return shown


def members_of(members: Iterable[UUID], keys: Collection[str]) -> list[dict[str, str]]:
    """As they are sent: of a large group the library would take seconds."""
    users = address("Users")
    told = ({"value": str(each), "$ref": f"{users}/{each}"} for each in members)
    return [{key: each[key] for key in keys} for each in told]


def told_by_group(group: Group) -> ToldGroup:
    members = frozenset(each.value or "" for each in group.members or [])
    return ToldGroup(group.display_name or "", group.external_id or "", members)


def meta(kind: str, created: datetime, changed: datetime, location: str) -> Meta:
    return Meta(resource_type=kind, created=created, last_modified=changed, location=location)


def address(*parts: object) -> str:
    return absolute("/".join(["/scim/v2", *map(str, parts)]))
