"""What was sent and not kept, counted by day, key and reason."""

from django.db import models

from accounts.owned import Owned, OwnedQuerySet


class Discard(Owned):
    """So many for one reason, for the owner to see."""

    day = models.DateField()
    key_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=60)
    count = models.BigIntegerField()
    last_at = models.DateTimeField()
    field = models.CharField(max_length=80, blank=True, help_text="Of the last one, where one field was wrong.")

    objects = OwnedQuerySet["Discard"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "day", "key_id", "reason"], name="one_count_of_discards", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} x {self.reason} on {self.day}"
