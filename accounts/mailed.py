"""What is kept of a letter: whom it is for, what it says, and how far it has come."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from tokentra.lib.ids import uuid7


class MailState(models.TextChoices):
    """How far a message has come."""

    SENT = "sent", "Sent"
    WAITING = "waiting", "Waiting for its next try"
    HELD = "held", "Held until the address is verified"
    NOT_SENT = "not_sent", "Not sent"


class OutboxMailQuerySet(models.QuerySet["OutboxMail"]):
    def undelivered(self) -> Self:
        return self.filter(delivered_at=None)

    def held(self) -> Self:
        """Written down, but waiting for somebody to prove their address."""
        return self.in_state(MailState.HELD)

    def in_state(self, state: MailState) -> Self:
        resting = self.undelivered().filter(next_try_at=None)
        return {
            MailState.SENT: self.exclude(delivered_at=None),
            MailState.WAITING: self.undelivered().exclude(next_try_at=None),
            MailState.HELD: resting.filter(problem=""),
            MailState.NOT_SENT: resting.exclude(problem=""),
        }[state]


class OutboxMail(models.Model):
    """A message to be sent; it is here before it is tried, and says how the trying went."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40, blank=True, help_text="Which letter it is.")
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField(blank=True)
    stop_url = models.CharField(max_length=300, blank=True, help_text="Where one click ends letters of its kind.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Who had it sent to an address that is not theirs.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    next_try_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    delivered_at = models.DateTimeField(null=True)

    objects = OutboxMailQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(delivered_at=None), name="mail_to_send"),
            models.Index(fields=["asked_by", "created_at"], condition=Q(asked_by__isnull=False), name="mail_by_asker"),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def state(self) -> MailState:
        if self.delivered_at:
            return MailState.SENT
        if self.next_try_at:
            return MailState.WAITING
        return MailState.NOT_SENT if self.problem else MailState.HELD
