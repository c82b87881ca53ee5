"""Channels of an organization, their sealed addresses, and every delivery with how it went."""

from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.mailed import OutboxMail
from accounts.owned import Owned, OwnedQuerySet
from budgets.alerting.models import AlertNews, Severity


class ChannelKind(models.TextChoices):
    EMAIL = "email", "Email"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"
    PAGERDUTY = "pagerduty", "PagerDuty"
    WEBHOOK = "webhook", "Webhook"


class ChannelQuerySet(OwnedQuerySet["Channel"]):
    def active(self) -> Self:
        return self.filter(removed_at=None, disabled_at=None)

    def kept(self) -> Self:
        return self.filter(removed_at=None)


class Channel(Owned):
    """Where alerts go beside the mail of people. Its address is a secret and is kept sealed, except an email's."""

    kind = models.CharField(max_length=10, choices=ChannelKind)
    name = models.CharField(max_length=80)
    email = models.EmailField(blank=True)
    shown = models.CharField(max_length=120, blank=True, help_text="What tells its address from others: host, last 4.")
    least = models.CharField("least severity", max_length=10, choices=Severity, default=Severity.INFO)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=300, blank=True, help_text="Why it was disabled.")
    removed_at = models.DateTimeField(null=True)

    objects = ChannelQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.CheckConstraint(condition=Q(kind__in=ChannelKind.values), name="channel_kind_is_known"),
            models.CheckConstraint(condition=Q(kind="email") ^ Q(email=""), name="only_email_has_an_open_address"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None and self.removed_at is None


class ChannelSecret(Owned):
    """One secret of a channel, sealed; the web may write it and may not read it."""

    channel_id: UUID
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    field = models.CharField(max_length=20, help_text="address, or signing-1 and on.")
    master_id = models.CharField(max_length=8, help_text="Wraps the data key.")
    wrapped_key = models.BinaryField()
    sealed_under = models.CharField(max_length=8, help_text="The master that was current when it was sealed.")
    ciphertext = models.BinaryField()
    sealed_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet["ChannelSecret"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "channel", "field"], name="one_channel_secret_for_each_field"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field}, sealed"


class DeliveryQuerySet(OwnedQuerySet["Delivery"]):
    def waiting(self) -> Self:
        return self.filter(delivered_at=None, given_up_at=None)

    def due(self) -> Self:
        """By the clock of the database."""
        return self.waiting().filter(next_try_at__lte=Now())


class Delivery(Owned):
    """One thing said of an alert, on its way to a channel or a person. `delivered_at` is null until it arrived (B60).

    What goes by mail is handed to the outbox, which tries on its own; then `mail` says whether it arrived.
    """

    news_id: UUID | None
    news = models.ForeignKey(
        AlertNews,
        on_delete=models.CASCADE,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="deliveries",
        help_text="null: a test of the channel.",
    )
    channel_id: UUID | None
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, null=True, db_constraint=False, db_index=False, related_name="deliveries"
    )
    user_id: UUID | None
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    in_digest = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, help_text="null: delivered, handed to the outbox, or given up.")
    tries = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True, help_text="What the last try was answered.")
    problem = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    mail_id: UUID | None  # the outbox forgets its mail after a month
    mail = models.ForeignKey(
        OutboxMail, on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "news", "channel"],
                condition=Q(channel__isnull=False, news__isnull=False),
                name="a_channel_is_told_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "news", "user"], condition=Q(user__isnull=False), name="a_person_is_told_once"
            ),
            models.CheckConstraint(
                condition=Q(channel__isnull=False, user__isnull=True) | Q(channel__isnull=True, user__isnull=False),
                name="a_delivery_has_one_receiver",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="deliveries_due"),
            models.Index(fields=["organization", "channel", "-created_at"], name="deliveries_of_a_channel"),
            models.Index(fields=["organization", "news"], name="deliveries_of_news"),
            models.Index(
                fields=["mail"],
                condition=Q(mail__isnull=False, delivered_at=None, given_up_at=None),
                name="letters_on_their_way",
            ),
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.news or 'test'} to {self.channel_id or self.user_id}"
