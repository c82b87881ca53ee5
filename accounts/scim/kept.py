"""What is kept of an organization's directory: its tokens, and the people and groups that it told of."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.owned import Owned, OwnedQuerySet
from accounts.permissions import Role
from accounts.sign_on.kept import ROLES
from tokentra.lib.ids import uuid7

NO_ROLE = ("", "None of its own")


class DirectoryToken(models.Model):
    """Opens SCIM for one organization. The database shows it to that organization, and to whoever holds the token."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(max_length=4)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, help_text="To the hour.")

    def __str__(self) -> str:
        return f"tt_scim_…{self.last_four}"


class Directory(Owned):
    """How an organization takes in whom its directory tells of."""

    default_role = models.CharField(max_length=10, choices=ROLES, default=Role.VIEWER)

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="an_organization_has_one_directory"),
        ]

    def __str__(self) -> str:
        return "directory"


class DirectoryUser(Owned):
    """A person whom the directory told of. Whether they are active is not kept here: members are."""

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    name_key = models.CharField(max_length=254, help_text="Its userName in the form that is compared.")
    external_id = models.CharField(max_length=254, blank=True)
    addresses = ArrayField(models.CharField(max_length=254), help_text="In the form that is compared.")
    told = models.JSONField(help_text="The userName, names and emails, as the directory wrote them.")
    role_given = models.CharField(max_length=10, blank=True, help_text="The role that a group gave them last.")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "user"], name="a_directory_tells_once_of_a_person"),
            models.UniqueConstraint(fields=["organization", "name_key"], name="a_user_name_is_one_persons"),
        ]

    def __str__(self) -> str:
        return self.name_key


class DirectoryGroup(Owned):
    """A group of the directory. Its role is chosen here, and stays with the group when it is renamed there."""

    display_name = models.CharField(max_length=256)
    external_id = models.CharField(max_length=254, blank=True)
    role = models.CharField(max_length=10, choices=[NO_ROLE, *ROLES], blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.display_name


class DirectoryGroupMember(Owned):
    group = models.ForeignKey(DirectoryGroup, on_delete=models.CASCADE, related_name="members", db_constraint=False)
    person = models.ForeignKey(DirectoryUser, on_delete=models.CASCADE, related_name="groups", db_constraint=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "group", "person"], name="a_group_holds_a_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"


class KeptOut(Owned):
    """Somebody who was removed: the sign-on lets them in again only once somebody asks them in."""

    digest = models.CharField(max_length=64, help_text="Stands for their address.")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, null=True, related_name="+")
    by_directory = models.BooleanField(default=False)
    at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "digest"], name="an_address_is_kept_out_once"),
        ]

    def __str__(self) -> str:
        return "kept out"
