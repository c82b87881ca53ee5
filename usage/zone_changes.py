"""That an organization changed its time zone: what is left to do for its measured days, and which stay as they were."""

from typing import Self

from django.db import models
from django.db.models.functions import Now

from accounts.owned import Owned, OwnedQuerySet


class ZoneChangeQuerySet(OwnedQuerySet["ZoneChange"]):
    def due(self) -> Self:
        """By the clock of the database."""
        return self.filter(due_at__lte=Now())


class ZoneChange(Owned):
    """Days of events that are still kept become those of the new zone, in steps, the newest first."""

    former = models.CharField(max_length=64)
    zone = models.CharField(max_length=64)
    changes_hours = models.BooleanField(help_text="One of the zones is not whole hours away from UTC.")
    next_day = models.DateField(null=True, help_text="The newest UTC day that is still to be done; null: not begun.")
    due_at = models.DateTimeField(null=True, help_text="When the next step is due; null: nothing is left.")
    first_day = models.DateField(null=True, help_text="Days before it stay those of the former zone; null: none does.")

    objects = ZoneChangeQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization"], condition=models.Q(due_at__isnull=False), name="one_zone_change_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.former} to {self.zone}"
