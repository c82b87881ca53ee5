"""API keys, and the directory by which a key's organization is found; the keys themselves are kept nowhere."""

from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.owned import Owned, OwnedQuerySet
from accounts.permissions import Scope

LONGEST = timedelta(days=36_525)  # a hundred years, for which a key may be made
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)  # what comes after it cannot be read in every time zone


class Environment(models.TextChoices):
    LIVE = "live", "Live"
    TEST = "test", "Test"


class KeyState(models.TextChoices):
    """What becomes of a request with the key."""

    WORKS = "works", "Works"
    ENDING = "ending", "Being replaced"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"


class ApiKeyQuerySet(OwnedQuerySet["ApiKey"]):
    def working(self, now: datetime) -> Self:
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def made_by(self, user: models.Model) -> Self:
        return self.filter(created_by=user)


class ApiKey(Owned):
    """What a program of the organization may do, for how long, and when it last did."""

    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12, help_text="How the key begins.")
    last_four = models.CharField(max_length=4)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    environment = models.CharField(max_length=4, choices=Environment)
    created_by_id: UUID | None
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="To the hour.")
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    replaced_by_id: UUID | None
    replaced_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    misplaced_at = models.DateTimeField(null=True, help_text="When it last came in an address or a body.")

    objects = ApiKeyQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values) & Q(scopes__len__gt=0), name="key_has_known_scopes"
            ),
            models.CheckConstraint(condition=Q(environment__in=Environment.values), name="key_environment_is_known"),
            models.CheckConstraint(condition=Q(expires_at__lt=LAST_DAY), name="key_ends_within_the_calendar"),
        ]
        indexes = [models.Index(fields=["organization", "-created_at"], name="keys_newest_first")]

    def __str__(self) -> str:
        return f"{self.name} ({self.masked})"

    @property
    def masked(self) -> str:
        return f"{self.prefix}…{self.last_four}"

    def state(self, now: datetime) -> KeyState:
        if self.revoked_at:
            return KeyState.REVOKED
        if self.expires_at and self.expires_at <= now:
            return KeyState.EXPIRED
        return KeyState.ENDING if self.replaced_by_id else KeyState.WORKS

    @property
    def lifetime(self) -> timedelta | None:
        return self.expires_at - self.created_at if self.expires_at else None


class KeyDigest(models.Model):
    """Whose key has this digest: all that is read before the organization is known.

    The database shows a row to whoever holds its key, and to its organization.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    master_id = models.CharField(max_length=8, help_text="The master key whose pepper is in the digest.")
    organization_id: UUID
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key_id: UUID
    key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, db_constraint=False, related_name="digest")

    def __str__(self) -> str:
        return f"digest of {self.key_id}"


class Attempt(Owned):
    """The latest request of a key that came to an outcome: one row for each key and outcome, whatever is sent."""

    key_id: UUID
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    outcome = models.CharField(max_length=60)
    way = models.CharField(max_length=20, help_text="Which door it came to.")
    at = models.DateTimeField()
    field = models.CharField(max_length=80, blank=True, help_text="The field that was wrong.")
    said = models.CharField(max_length=60, blank=True, help_text="What was sent there, where that may be told.")
    event_day = models.DateField(null=True)
    event_id = models.UUIDField(null=True, help_text="The event that was stored.")

    objects = OwnedQuerySet["Attempt"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "key", "outcome"], name="one_latest_attempt_of_each_outcome"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.at:%Y-%m-%d %H:%M}"
