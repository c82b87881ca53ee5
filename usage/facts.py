"""What tables so large that their primary keys are composite have in common."""

from django.db import models


class OwnedFact(models.Model):
    """A row of an organization in a table so large that its primary key is composite.

    The key to the organization is not a constraint of the database: the policy already binds every row
    to the organization whose scope is open, and millions of checks would say nothing more. Deleting an
    organization deletes its rows all the same.
    """

    organization = models.ForeignKey(
        "accounts.Organization", models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True
