"""Which model a feature's calls go to instead of the one that they ask for."""

from typing import Self

from django.db import models
from django.db.models import F, Q

from accounts.owned import Owned, OwnedQuerySet

LONGEST = 256  # as events say features and models


class RoutingRuleQuerySet(OwnedQuerySet["RoutingRule"]):
    def enabled(self) -> Self:
        return self.filter(enabled_at__isnull=False)


class RoutingRule(Owned):
    """Off until somebody enables it: programs read only what is on."""

    feature = models.CharField(max_length=LONGEST)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=LONGEST, help_text="Asked for: a dated version of it is the same model.")
    use_model = models.CharField(max_length=LONGEST)
    enabled_at = models.DateTimeField(null=True, help_text="null: off.")
    basis = models.JSONField(default=dict, help_text="The figures it was proposed on; empty: made by hand.")
    created_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    changed_by = models.ForeignKey("accounts.User", on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(help_text="When it was last made, enabled or disabled.")

    objects = RoutingRuleQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "feature", "provider", "model"], name="a_call_is_routed_by_one_rule"
            ),
            models.CheckConstraint(condition=~Q(use_model=F("model")), name="a_rule_leads_to_another_model"),
        ]

    def __str__(self) -> str:
        return f"{self.feature}: {self.provider} {self.model} to {self.use_model}"

    @property
    def is_enabled(self) -> bool:
        return self.enabled_at is not None
