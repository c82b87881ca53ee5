"""Connections to providers, their sealed credentials, and what is known about reading from them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.owned import Owned, OwnedQuerySet
from usage.names import provider_name


class Status(models.TextChoices):
    VALIDATING = "validating"
    BACKFILLING = "backfilling"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    BROKEN = "broken"
    PAUSED = "paused"
    DISCONNECTED = "disconnected"


class Blocked(models.TextChoices):
    """Why a connection as a whole does not read now."""

    SLOWED = "slowed"
    REFUSED = "refused"
    KEY_REFUSED = "key_refused"
    OTHER_ACCOUNT = "other_account"
    SAME_ACCOUNT = "same_account"
    KEY_UNREADABLE = "key_unreadable"


AT_REST = (Status.BROKEN, Status.PAUSED, Status.DISCONNECTED)


class ConnectionQuerySet(OwnedQuerySet["Connection"]):
    def active(self) -> Self:
        return self.exclude(status=Status.DISCONNECTED)

    def claimable(self, now: datetime) -> Self:
        """Due, and in nobody's hands by the database's clock."""
        free = Q(lease_until=None) | Q(lease_until__lt=Now())
        return self.filter(free, next_sync_at__lte=now).exclude(status__in=AT_REST)

    def held(self, pk: UUID, fence: int) -> Self:
        """The connection while nobody has claimed it since, and nobody has stopped it."""
        return self.filter(pk=pk, fence=fence).exclude(status__in=AT_REST)


class Connection(Owned):
    """An account at a provider that an organization lets us read."""

    provider = models.CharField(max_length=40)
    name = models.CharField(max_length=100)
    status = models.CharField(max_length=12, choices=Status, default=Status.VALIDATING)

    account_id = models.CharField(max_length=200, blank=True, help_text="The provider's; empty while unknown.")
    account_name = models.CharField(max_length=200, blank=True)
    project_ids = models.JSONField(default=list, help_text="Prove the account while its id is unknown.")
    projects_found = models.IntegerField(null=True)
    capabilities = models.JSONField(default=list, help_text="Names of the endpoints that the key may read.")

    key_kind = models.CharField(max_length=60, blank=True)
    key_last4 = models.CharField(max_length=4, blank=True)
    key_fingerprint = models.CharField(max_length=100, blank=True)
    key_set_at = models.DateTimeField()

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    history_from = models.DateField(help_text="The first UTC day that is read.")

    next_sync_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0, help_text="Grows with each claim; writes carry theirs.")

    blocked = models.CharField(max_length=20, choices=Blocked, blank=True)
    blocked_at = models.DateTimeField(null=True)
    wait_until = models.DateTimeField(null=True)
    waits = models.IntegerField(default=0, help_text="Refusals or slow-downs in a row.")
    detail = models.CharField(max_length=500, blank=True, help_text="The provider's own words, masked.")

    first_read_at = models.DateTimeField(null=True, help_text="When the whole first history had been read.")
    last_sync_at = models.DateTimeField(null=True, help_text="The last window that was read.")
    last_tried_at = models.DateTimeField(null=True)
    names_read_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    disconnected_at = models.DateTimeField(null=True)
    taken_over_by = models.UUIDField(
        null=True, help_text="The connection that reads the same account now, and has its days as it reads them."
    )

    objects = ConnectionQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "provider", "account_id"],
                condition=~Q(status="disconnected") & ~Q(account_id=""),
                name="account_is_connected_once",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="connection_status_is_known"),
            models.CheckConstraint(
                condition=~Q(status__in=AT_REST) | Q(next_sync_at=None),
                name="connection_at_rest_is_never_due",
            ),
        ]
        indexes = [
            models.Index(fields=["next_sync_at"], condition=Q(next_sync_at__isnull=False), name="connections_due")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_at_rest(self) -> bool:
        return self.status in AT_REST

    @property
    def account_label(self) -> str:
        return self.account_name or self.name


class Child(Owned):
    """A row of one connection."""

    connection_id: UUID
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        abstract = True


class SealedCredential(Child):
    """One secret of a connection, sealed; the web may write it and may not read it."""

    field = models.CharField(max_length=40)
    master_id = models.CharField(max_length=8, help_text="Wraps the data key.")
    wrapped_key = models.BinaryField()
    sealed_under = models.CharField(max_length=8, help_text="The master that was current when it was sealed.")
    ciphertext = models.BinaryField()
    sealed_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet["SealedCredential"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "connection", "field"], name="one_secret_for_each_field"),
        ]

    def __str__(self) -> str:
        return f"{self.field}, sealed"


class EndpointState(Child):
    """How the last try at one of the provider's endpoints went."""

    endpoint = models.CharField(max_length=60)
    label = models.CharField(max_length=100, blank=True)
    position = models.SmallIntegerField(default=0)
    outcome = models.CharField(max_length=24, blank=True, help_text="Empty until it has been tried.")
    detail = models.CharField(max_length=500, blank=True, help_text="The provider's own words, masked.")
    failures = models.IntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    earliest = models.DateField(null=True, help_text="The provider gives nothing before this day.")
    last_success_at = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    sample = models.TextField(blank=True, help_text="Of the last answer that was not understood, masked.")
    sample_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet["EndpointState"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "connection", "endpoint"], name="one_state_for_each_endpoint"
            ),
        ]

    def __str__(self) -> str:
        return self.endpoint


class ReadWindowQuerySet(OwnedQuerySet["ReadWindow"]):
    def of(self, connection: Connection) -> Self:
        return self.filter(organization_id=connection.organization_id, connection=connection)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def due(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now)


class ReadWindow(Child):
    """A stretch of UTC days of one endpoint that is read and written whole."""

    endpoint = models.CharField(max_length=60)
    start = models.DateTimeField()
    end = models.DateTimeField()
    due_at = models.DateTimeField(null=True, help_text="When to read it next; null is never again.")
    read_at = models.DateTimeField(null=True, help_text="The last complete reading.")
    rows = models.IntegerField(default=0)
    left_out = models.IntegerField(default=0, help_text="Rows and buckets of the last reading that made no sense.")
    tries = models.IntegerField(default=0, help_text="Failed ones in a row.")
    problem = models.CharField(max_length=500, blank=True)
    empty_seen_at = models.DateTimeField(null=True, help_text="First empty after it had rows.")

    objects = ReadWindowQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "connection", "endpoint", "start"], name="window_is_kept_once"
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="window_ends_after_it_begins"),
        ]
        indexes = [models.Index(fields=["organization", "connection", "due_at"], name="windows_due")]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"


class KeptAnswer(Child):
    """One answer of a reading that did not fit into a step, until the reading is whole."""

    reading = models.CharField(max_length=80)
    question = models.CharField(max_length=64, help_text="The hash of what was asked.")
    body = models.BinaryField(help_text="As it came, compressed.")
    kept_at = models.DateTimeField()

    objects = OwnedQuerySet["KeptAnswer"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "connection", "reading", "question"], name="answer_is_kept_once"
            ),
        ]

    def __str__(self) -> str:
        return f"an answer of {self.reading}"


class SyncRun(Child):
    """A stretch of reading without a pause, for people who ask what happened when."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    windows = models.IntegerField(default=0)
    rows = models.IntegerField(default=0)
    outcome = models.CharField(max_length=24)
    problem = models.CharField(max_length=500, blank=True)

    objects = OwnedQuerySet["SyncRun"].as_manager()

    class Meta(Owned.Meta):
        indexes = [models.Index(fields=["organization", "connection", "-started_at"], name="runs_newest_first")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}: {self.outcome}"


class KeyRequestQuerySet(OwnedQuerySet["KeyRequest"]):
    def open(self, now: datetime) -> Self:
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=now)


class KeyRequest(Owned):
    """Somebody asked for a provider's key by a link that works once; what is kept of the link is its digest."""

    provider = models.CharField(max_length=40)
    token_digest = models.CharField(max_length=64)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = KeyRequestQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "token_digest"], name="key_request_has_its_own_link"),
        ]

    def __str__(self) -> str:
        return f"request for a {self.provider} key"

    @property
    def label(self) -> str:
        return provider_name(self.provider)

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.revoked_at is None and self.expires_at > timezone.now()
