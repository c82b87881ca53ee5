"""What is kept of a letter: whom it is for, what it says, and how far it has come."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tokentra.lib.ids import uuid7


class MailState(models.TextChoices):
    """How far a message has come."""

    SENT = "sent", "Sent"
    WAITING = "waiting", "Waiting for its next try"
    HELD = "held", "Held until the address is verified"
    NOT_SENT = "not_sent", "Not sent"
    WITHDRAWN = "withdrawn", "Withdrawn"


class OutboxMailQuerySet(models.QuerySet["OutboxMail"]):
    def undelivered(self) -> Self:
        return self.filter(delivered_at=None)

    def held(self) -> Self:
        """Written down, but waiting for somebody to prove their address."""
        return self.in_state(MailState.HELD)

    def withdraw(self, why: str) -> None:
        """They are not sent any more; `why` is what staff read beside them."""
        self.undelivered().update(withdrawn_at=Now(), next_try_at=None, problem=why)

    def withdraw_stale(self) -> None:
        """By the database's clock, as leases are: that of one machine may be wrong."""
        waiting = self.undelivered().filter(next_try_at__isnull=False, good_until__lte=Now())
        waiting.withdraw("What it holds worked no longer before it could be sent.")

    def in_state(self, state: MailState) -> Self:
        resting = self.undelivered().filter(next_try_at=None, withdrawn_at=None)
        return {
            MailState.WITHDRAWN: self.exclude(withdrawn_at=None),
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
    good_until = models.DateTimeField(null=True, help_text="When its code or link ends; it is not sent after that.")
    about = models.UUIDField(null=True, help_text="The organization whose standing it tells of, as it was then.")
    withdrawn_at = models.DateTimeField(null=True, help_text="When it was taken back before it was sent.")

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
        if self.withdrawn_at:
            return MailState.WITHDRAWN
        if self.next_try_at:
            return MailState.WAITING
        return MailState.NOT_SENT if self.problem else MailState.HELD
