"""What is kept of a budget's periods: figures of those that ended, thresholds that were reached, and the next look."""

from datetime import date, timedelta
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.owned import Owned, OwnedQuerySet


class BudgetPeriod(Owned):
    """A period that has ended: what was spent, as it stood then and as it stands since bills were revised."""

    budget_id: UUID
    budget = models.ForeignKey(
        "budgets.Budget", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="periods"
    )
    value = models.CharField(max_length=256, blank=True, help_text="Of a budget for each value.")
    first_day = models.DateField()
    end_day = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    limit = models.DecimalField(max_digits=24, decimal_places=6, help_text="In force when it ended.")
    spent = models.DecimalField(max_digits=38, decimal_places=18)
    first_spent = models.DecimalField(
        max_digits=38, decimal_places=18, help_text="As it stood when the end was first noticed."
    )
    basis = models.CharField(max_length=10, blank=True)
    unpriced_tokens = models.BigIntegerField(default=0)
    noticed_at = models.DateTimeField()
    restated_at = models.DateTimeField(null=True, help_text="When its figure last changed after that.")

    objects = OwnedQuerySet["BudgetPeriod"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "budget", "value", "first_day"], name="a_period_is_kept_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} to {self.end_day}: {self.spent}"

    @property
    def last_day(self) -> date:
        return self.end_day - timedelta(days=1)

    @property
    def is_restated(self) -> bool:
        return self.spent != self.first_spent

    @property
    def is_over(self) -> bool:
        return self.spent > self.limit


class Kind(models.TextChoices):
    SPENT = "spent", "Spent"
    FORECAST = "forecast", "Forecast"


class BudgetCrossing(Owned):
    """That a threshold was reached in a period: recorded once for its amount, whoever looks and however often.

    Alerts are made of these: of each that has none yet.
    """

    budget_id: UUID
    budget = models.ForeignKey(
        "budgets.Budget", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="crossings"
    )
    value = models.CharField(max_length=256, blank=True, help_text="Of a budget for each value.")
    first_day = models.DateField(help_text="Of the period, in the organization's zone: its name for good.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SPENT)
    threshold = models.PositiveSmallIntegerField(help_text="Percent.")
    limit = models.DecimalField(max_digits=24, decimal_places=6)
    amount = models.DecimalField(
        max_digits=26, decimal_places=8, help_text="The threshold of the limit, exactly: what was reached."
    )
    spent = models.DecimalField(max_digits=38, decimal_places=18, help_text="When it was noticed, or what is forecast.")
    at = models.DateTimeField(help_text="When it was noticed.")
    latest_spent = models.DecimalField(max_digits=38, decimal_places=18)
    receded_at = models.DateTimeField(null=True, help_text="Clearly below again since: a bill was revised.")
    is_late = models.BooleanField(default=False, help_text="Noticed after the period ended: by late events or bills.")

    objects = OwnedQuerySet["BudgetCrossing"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "budget", "value", "first_day", "kind", "threshold", "amount"],
                name="a_threshold_is_crossed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.threshold}% on {self.at:%Y-%m-%d}"


class Dismissal(Owned):
    """That a person does not want to see the banner about a crossing any more."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    crossing_id: UUID
    crossing = models.ForeignKey(
        BudgetCrossing, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    at = models.DateTimeField()

    objects = OwnedQuerySet["Dismissal"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "user", "crossing"], name="a_banner_is_dismissed_once"),
        ]

    def __str__(self) -> str:
        return f"by {self.user_id}"


class LookQuerySet(OwnedQuerySet["Look"]):
    def due(self) -> Self:
        """By the clock of the database."""
        return self.filter(due_at__lte=Now())


class Look(Owned):
    """When an organization's budgets are next held against what was spent: one row for each that has any."""

    due_at = models.DateTimeField(null=True, help_text="null: it has no active budget.")
    looked_at = models.DateTimeField(null=True)
    deep_day = models.DateField(
        null=True,
        help_text="Until when past periods were all restated: a UTC day that begins up to an hour late.",
    )
    failures = models.PositiveSmallIntegerField(default=0, help_text="Since one worked.")

    objects = LookQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="one_look_for_each_organization"),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="budgets_to_look_at")]

    def __str__(self) -> str:
        return f"due {self.due_at}"
