"""What may be spent and by whom, in which period; what became of it and who asked for more."""

from typing import Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.owned import Owned, OwnedQuerySet
from budgets import asked, kept, reserved, scopes  # noqa: F401  # Django looks for models here
from budgets.alerting import models as alerts  # noqa: F401  # as above
from budgets.channels import models as channels  # noqa: F401  # as above
from budgets.rules import thresholds
from budgets.rules.periods import Every, Rule

LONGEST_NAME = 80


class Ledger(models.TextChoices):
    """Which figures a budget is held against."""

    COUNTED = "counted", "What counts: bills, else usage, else calls"
    MEASURED = "measured", "What your code measured"


class Unit(models.TextChoices):
    USD = "usd", "US dollars"
    TOKENS = "tokens", "Tokens"


class Mode(models.TextChoices):
    """What becomes of calls once the limit is reached; all but notify need a check before each call."""

    NOTIFY = "notify", "Notify"
    THROTTLE = "throttle", "Throttle"
    BLOCK = "block", "Block"


def default_thresholds() -> list[int]:
    return list(thresholds.DEFAULT)


def known(field: str, choices: "type[models.TextChoices] | type[Every]") -> Q:
    return Q(**{f"{field}__in": [each.value for each in choices]})


class Department(Owned):
    """Values of one dimension under one name, such as the teams of a department."""

    name = models.CharField(max_length=LONGEST_NAME)
    dimension = models.CharField(max_length=80)
    values = ArrayField(models.CharField(max_length=256))
    created_at = models.DateTimeField()

    objects = OwnedQuerySet["Department"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "name"], name="one_department_of_a_name"),
            models.CheckConstraint(condition=Q(values__len__gt=0), name="a_department_has_values"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        return scopes.label(self.dimension)


class BudgetQuerySet(OwnedQuerySet["Budget"]):
    def active(self) -> Self:
        return self.filter(archived_at=None)


class Budget(Owned):
    """A ceiling on what one scope uses in each period; with `each`, on what each value of that dimension does."""

    name = models.CharField(max_length=LONGEST_NAME)
    ledger = models.CharField(max_length=10, choices=Ledger)
    scope = models.JSONField(default=dict, help_text='{"customer": ["globex"]}; empty: the whole organization.')
    department_id: UUID | None
    department = models.ForeignKey(
        Department,
        on_delete=models.RESTRICT,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="Whose values narrow the scope further.",
    )
    each = models.CharField(max_length=80, blank=True, help_text="A dimension whose every value has this budget.")
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.USD)
    amount = models.DecimalField(max_digits=24, decimal_places=6)
    every = models.CharField(max_length=10, choices=[(each.value, each.value) for each in Every], default=Every.MONTH)
    anchor = models.DateField(null=True, help_text="The day on which a custom period began.")
    months = models.PositiveSmallIntegerField(default=1, help_text="How long a custom period is.")
    thresholds = ArrayField(models.PositiveSmallIntegerField(), default=default_thresholds, help_text="Percent.")
    forecast_at = models.PositiveSmallIntegerField(null=True, help_text="Percent that the period is heading for.")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.NOTIFY)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1, help_text="Counts changes, so that one does not undo another.")
    archived_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True, help_text="When it was last taken up again.")

    objects = BudgetQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.CheckConstraint(condition=Q(amount__gt=0), name="budget_is_more_than_nothing"),
            models.CheckConstraint(condition=known("ledger", Ledger), name="budget_ledger_is_known"),
            models.CheckConstraint(condition=known("unit", Unit), name="budget_unit_is_known"),
            models.CheckConstraint(condition=known("mode", Mode), name="budget_mode_is_known"),
            models.CheckConstraint(condition=known("every", Every), name="budget_period_is_known"),
            models.CheckConstraint(
                condition=~Q(every=Every.CUSTOM) | Q(anchor__isnull=False, months__range=(1, 12)),
                name="custom_period_has_an_anchor",
            ),
            models.CheckConstraint(
                condition=Q(thresholds__len__lte=thresholds.MOST), name="budget_has_up_to_ten_thresholds"
            ),
        ]
        indexes = [
            models.Index(fields=["organization"], condition=Q(archived_at=None), name="active_budgets"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> Rule:
        return Rule(Every(self.every), self.anchor, self.months) if self.anchor else Rule(Every(self.every))

    @property
    def is_of_organization(self) -> bool:
        """The organization's own: everything that counts, in dollars, by the month."""
        is_whole = not self.scope and not self.each and not self.department_id and self.ledger == Ledger.COUNTED
        return is_whole and self.unit == Unit.USD and self.every == Every.MONTH


class Allocation(Owned):
    """The part of one value under a budget that each value of its dimension has."""

    budget_id: UUID
    budget = models.ForeignKey(
        Budget, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="allocations"
    )
    value = models.CharField(max_length=256)
    amount = models.DecimalField(max_digits=24, decimal_places=6)

    objects = OwnedQuerySet["Allocation"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "budget", "value"], name="one_allocation_for_each_value"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="allocation_is_more_than_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.value}"


class PromptLimit(Owned):
    """How many tokens the organization wants a prompt to have at most."""

    tokens = models.PositiveIntegerField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField()

    objects = OwnedQuerySet["PromptLimit"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="one_prompt_limit"),
            models.CheckConstraint(condition=Q(tokens__gt=0), name="prompt_limit_is_more_than_nothing"),
        ]

    def __str__(self) -> str:
        return f"{self.tokens} tokens"
