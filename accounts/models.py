"""People, organizations, who belongs where, and what happened."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import entitlement, invited, mailed  # noqa: F401  # Django finds an app's models through this module
from accounts.industries import Industry
from accounts.owned import Owned, OwnedQuerySet
from accounts.permissions import Permission, Role, allows
from accounts.plans import Feature
from accounts.scim import kept as directory  # noqa: F401  # as above
from accounts.sign_on import kept  # noqa: F401  # as above
from tokentra.lib.ids import uuid7

FIRST_TOUCH_FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
SHORTEST_AUDIT, LONGEST_AUDIT = 90, 3650  # days; the database keeps the younger ones whatever it is asked
SHORTEST_KEPT, LONGEST_KEPT = 35, 1100  # days of single events; late ones come for thirty


def known_timezone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Choose a time zone from the list, such as Europe/Paris.")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may see hangs on their memberships, never on this row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the admin.")
    wants_guidance_mail = models.BooleanField(
        "letters with the next step", default=True, help_text="Notices about the account come in any case."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    browsers_forgotten_at = models.DateTimeField(
        null=True, help_text="Browsers that were remembered before are asked for the second factor again."
    )
    joined_at = models.DateTimeField(
        null=True, help_text="When they last joined an organization: links to a new password from before have ended."
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_per_address")]

    def __str__(self) -> str:
        return self.email

    @property
    def short_name(self) -> str:
        return self.full_name.split(" ")[0] or self.email.split("@")[0]

    def lock(self) -> None:
        """What one person may do so many times is counted one after another, in whichever organization it is done."""
        User.objects.select_for_update(no_key=True).get(pk=self.pk)


class Organization(models.Model):
    """A tenant: everything that is counted, connected or budgeted belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[known_timezone])
    currency = models.CharField(max_length=3, default="USD")
    website = models.URLField(blank=True)
    industry = models.CharField(max_length=30, choices=Industry, blank=True)
    event_days = models.PositiveSmallIntegerField(
        default=90,
        validators=[MinValueValidator(SHORTEST_KEPT), MaxValueValidator(LONGEST_KEPT)],
        help_text="For how many days measured events are kept one by one; their sums stay.",
    )
    audit_days = models.PositiveSmallIntegerField(
        default=730,
        validators=[MinValueValidator(SHORTEST_AUDIT), MaxValueValidator(LONGEST_AUDIT)],
        help_text="For how many days lines of the audit log are kept.",
    )
    plan = models.CharField(max_length=20, default="free")
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    closing_at = models.DateTimeField(
        null=True, blank=True, help_text="It was deleted then; a worker takes its rows out."
    )
    sign_on_required = models.BooleanField(
        default=False, help_text="Members come in by its own identity provider alone; owners may come otherwise."
    )
    is_sample = models.BooleanField(default=False, help_text="Holds generated data for someone to look around in.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    def can(self, feature: Feature) -> bool:
        """Whether its plan, as it counts now, includes the feature; always where plans are not enforced."""
        return entitlement.standing_of(self).can(feature)

    def require(self, feature: Feature) -> None:
        """Raises NotInPlan where it cannot."""
        entitlement.require(self, feature)

    def lock(self) -> None:
        """One change at a time to who belongs here, or to what there may be so many of.

        Rows that refer to the organization, and whoever adds up its events, are not held up.
        """
        Organization.objects.select_for_update(no_key=True).get(pk=self.pk)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, user: User) -> Self:
        """Where a person belongs, the oldest first; sample workspaces come last."""
        return self.filter(user=user).select_related("organization").order_by("organization__is_sample", "created_at")


class Membership(models.Model):
    """A person in an organization, with the role that says what they may do there."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    role = models.CharField(max_length=10, choices=Role)
    is_invitee = models.BooleanField(default=False, help_text="Joined an organization that was there already.")
    created_at = models.DateTimeField(auto_now_add=True)
    active_at = models.DateTimeField(default=timezone.now, help_text="When they last used it here, to the hour.")
    look_at = models.DateTimeField(
        null=True,
        default=timezone.now,
        help_text="When it is next looked whether this person is stuck; empty once there is no more to look for.",
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_person"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_is_known"),
        ]
        indexes = [models.Index(fields=["look_at"], condition=Q(look_at__isnull=False), name="members_to_look_at")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    def may(self, permission: Permission) -> bool:
        return allows(Role(self.role), permission)

    def may_give(self, role: Role) -> bool:
        """Whether they may make somebody that, or change somebody who is it."""
        return self.may(Permission.OWN if role is Role.OWNER else Permission.MANAGE_PEOPLE)

    @property
    def may_manage_settings(self) -> bool:
        return self.may(Permission.MANAGE_SETTINGS)

    @property
    def may_own(self) -> bool:
        return self.may(Permission.OWN)

    @property
    def may_read_audit(self) -> bool:
        return self.may(Permission.READ_AUDIT)

    @property
    def may_have_keys(self) -> bool:
        return self.may(Permission.MANAGE_OWN_KEYS)

    @property
    def may_set_prices(self) -> bool:
        return self.may(Permission.MANAGE_BUDGETS)

    def look_soon(self, now: datetime) -> None:
        """Something began that may need following up."""
        Membership.objects.filter(organization_id=self.organization_id, pk=self.pk).update(look_at=now)


class Line(Owned):
    """Something that happened. Nobody changes a line or takes it out; all go when their organization does.

    The key of the database removes them then, because the roles that serve may not.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )

    class Meta(Owned.Meta):
        abstract = True


class JournalEntry(Line):
    """One thing that a person or the product did, in the order in which it became true."""

    event = models.CharField(max_length=60)
    user_id: UUID | None
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    objects = OwnedQuerySet.as_manager()

    class Meta(Line.Meta):
        verbose_name_plural = "journal entries"
        indexes = [
            models.Index(fields=["organization", "event", "at"], name="journal_by_event"),
            models.Index(fields=["at", "event"], name="journal_by_time"),  # staff read it across organizations
        ]

    def __str__(self) -> str:
        return self.event


class Milestone(Owned):
    """When something first became true for an organization (no user), or for a person in it.

    Derived from the journal by `accounts.journal.record`; `accounts.milestones.rebuild` makes it anew.
    """

    event = models.CharField(max_length=60)
    user_id: UUID | None
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "event", "user"], nulls_distinct=False, name="milestone_is_reached_once"
            ),
        ]
        indexes = [models.Index(fields=["event", "at"], name="milestones_by_time")]

    def __str__(self) -> str:
        return self.event


class AuditLine(Line):
    """Who did what to which object, for the organization's own eyes."""

    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=256, blank=True)
    data = models.JSONField(default=dict)

    objects = OwnedQuerySet.as_manager()

    class Meta(Line.Meta):
        indexes = [models.Index(fields=["organization", "at"], name="audit_by_time")]

    def __str__(self) -> str:
        return self.action


class Visit(models.Model):
    """Somebody before they sign up: where they first came from. Linked to a user at sign-up."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    first_seen_at = models.DateTimeField()
    landing_path = models.CharField(max_length=300, blank=True)
    referrer = models.CharField(max_length=300, blank=True)
    utm_source = models.CharField(max_length=120, blank=True)
    utm_medium = models.CharField(max_length=120, blank=True)
    utm_campaign = models.CharField(max_length=120, blank=True)
    utm_term = models.CharField(max_length=120, blank=True)
    utm_content = models.CharField(max_length=120, blank=True)
    signup_started_at = models.DateTimeField(null=True)
    method = models.CharField(max_length=20, blank=True)
    user = models.OneToOneField(User, on_delete=models.CASCADE, null=True, related_name="visit")

    def __str__(self) -> str:
        return f"visit of {self.first_seen_at:%Y-%m-%d}"


class StaffAccess(models.Model):
    """A member of staff looked across organizations: who, when, at what."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    model = models.CharField(max_length=80)
    path = models.CharField(max_length=300)

    class Meta:
        verbose_name_plural = "staff accesses"

    def __str__(self) -> str:
        return f"{self.user} read {self.model}"


class Heartbeat(models.Model):
    """A worker was alive then: written by a task that travelled through the broker to it."""

    worker = models.CharField(primary_key=True, max_length=80)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker
