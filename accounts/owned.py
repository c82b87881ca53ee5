"""What every tenant table has in common: a row is reached through its organization."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

from tokentra.lib.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Organization

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class OwnedQuerySet(models.QuerySet[Row_co]):
    """Sets of rows that belong to organizations."""

    def owned_by(self, organization: "Organization") -> Self:
        return self.filter(organization=organization)


class Owned(models.Model):
    """A row that belongs to one organization and is shown inside its scope only.

    A child that has a Meta of its own writes `class Meta(Owned.Meta)` and repeats
    `*Owned.Meta.constraints` beside its own, or the pair that foreign keys refer to is lost.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["organization", "id"], name="%(app_label)s_%(class)s_owned")]
