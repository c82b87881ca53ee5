"""That somebody asks for more than a budget allows, and what became of it."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.owned import Owned, OwnedQuerySet


class Answer(models.TextChoices):
    OPEN = "open", "Waiting"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class RaiseQuerySet(OwnedQuerySet["Raise"]):
    def open(self) -> Self:
        return self.filter(state=Answer.OPEN)

    def in_force(self, now: datetime) -> Self:
        return self.filter(state=Answer.APPROVED, decided_at__lte=now, ends_at__gt=now)


class Raise(Owned):
    """A higher limit for some time: asked for, and in force from its approval until its end."""

    budget_id: UUID
    budget = models.ForeignKey(
        "budgets.Budget", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="raises"
    )
    value = models.CharField(max_length=256, blank=True, help_text="Of a budget for each value.")
    amount = models.DecimalField(max_digits=24, decimal_places=6, help_text="The whole limit that is asked for.")
    reason = models.TextField(max_length=1000)
    last_day = models.DateField(help_text="In the organization's zone.")
    ends_at = models.DateTimeField(help_text="When that day ends.")
    asked_by_id: UUID | None
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=Answer, default=Answer.OPEN)
    decided_by_id: UUID | None
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(max_length=1000, blank=True, help_text="What the one who decided said.")

    objects = RaiseQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.CheckConstraint(condition=Q(amount__gt=0), name="raise_is_more_than_nothing"),
            models.CheckConstraint(condition=Q(state__in=Answer.values), name="raise_state_is_known"),
            models.CheckConstraint(
                condition=~Q(state=Answer.APPROVED, decided_by=F("asked_by")), name="nobody_approves_their_own_raise"
            ),
        ]
        indexes = [models.Index(fields=["organization", "budget", "state"], name="raises_of_a_budget")]

    def __str__(self) -> str:
        return f"{self.amount} until {self.last_day}"
