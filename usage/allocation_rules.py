"""Which cost centre something counts for, as people have said."""

from django.db import models

from accounts.owned import Owned, OwnedQuerySet


class AllocationRule(Owned):
    """What a provider knows by this id counts for that cost centre."""

    dimension = models.CharField(max_length=20)
    value = models.CharField(max_length=300)
    cost_center = models.CharField(max_length=100)
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "dimension", "value"], name="allocated_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} for {self.cost_center}"
