"""Who was there on which day, and how many of them: what counts runs and customers once over any range of days.

Runs hold their days themselves.
"""

from datetime import date

from django.db import models
from django.db.models import ExpressionWrapper, F

from accounts.owned import OwnedQuerySet
from usage.facts import OwnedFact

# Of a run that was there on more than one day, or on one that the beginning it holds does not lie on, in whatever zone.
OTHER_DAYS = (
    models.Q(days__1__isnull=False)
    | models.Q(days__0__lt=ExpressionWrapper(F("day") - 1, models.DateField()))
    | models.Q(days__0__gt=ExpressionWrapper(F("day") + 1, models.DateField()))
)


class Appearance(OwnedFact):
    """That a customer was there on a day in the organization's zone."""

    pk = models.CompositePrimaryKey("organization_id", "kind", "value", "day")
    kind = models.TextField()
    value = models.UUIDField(help_text="The hash of its name.")
    day = models.DateField()

    objects = OwnedQuerySet["Appearance"].as_manager()

    def __str__(self) -> str:
        return f"{self.kind} on {self.day}"


class AppearanceCount(OwnedFact):
    """How many were there on a day, by the day on which they had been there before (NEVER: they had not).

    Over a range, each is counted on its first day in it: where the day before lies before the range.
    """

    NEVER = date(1, 1, 1)

    pk = models.CompositePrimaryKey("organization_id", "kind", "day", "before")
    kind = models.TextField()
    day = models.DateField()
    before = models.DateField()
    count = models.BigIntegerField()

    objects = OwnedQuerySet["AppearanceCount"].as_manager()

    def __str__(self) -> str:
        return f"{self.count} of {self.kind} on {self.day}"
