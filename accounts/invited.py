"""What is kept of an invitation: whom it asks, into what, and how far it has come."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.naming import fold
from accounts.permissions import Role
from tokentra.lib.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import User


class InvitationStatus(models.TextChoices):
    PENDING = "pending", "Not mailed yet"
    SENT = "sent", "Sent"
    ACCEPTED = "accepted", "Accepted"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def with_mail(self) -> Self:
        """With what `status` and the pages read."""
        return self.select_related("mail", "invited_by")

    def unanswered(self) -> Self:
        """Neither accepted nor revoked; it may have expired."""
        return self.filter(accepted_at=None, revoked_at=None)

    def open(self, now: datetime) -> Self:
        return self.unanswered().filter(expires_at__gt=now)


class Invitation(models.Model):
    """An address that was asked to join an organization, by a link of which only the digest is kept.

    The database shows it to its organization, to whoever holds its link, and to the person of that address.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    # the outbox forgets its mail after a month, when no invitation is open any more; `with_mail` finds none then
    mail = models.ForeignKey(
        "accounts.OutboxMail", on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_is_known"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_address_is_lower_case"),
        ]
        indexes = [models.Index(fields=["email"], name="invitation_by_address")]

    def __str__(self) -> str:
        return f"{self.email} to {self.organization}"

    def is_for(self, user: "User") -> bool:
        return fold(user.email) == self.email

    def status(self, now: datetime) -> InvitationStatus:
        if self.accepted_at:
            return InvitationStatus.ACCEPTED
        if self.revoked_at:
            return InvitationStatus.REVOKED
        if self.expires_at <= now:
            return InvitationStatus.EXPIRED
        was_mailed = self.mail is not None and self.mail.delivered_at is not None
        return InvitationStatus.SENT if was_mailed else InvitationStatus.PENDING
