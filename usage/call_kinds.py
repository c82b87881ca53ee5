"""What thousands of calls repeat, kept once for each organization."""

from uuid import UUID

from django.db import models

from accounts.owned import OwnedQuerySet
from usage.facts import OwnedFact
from usage.measuring.rate_refs import unpacked


class CallKind(OwnedFact):
    """What calls of one kind have in common. Nothing changes or deletes one but the end of its organization."""

    pk = models.CompositePrimaryKey("organization_id", "id")
    id = models.UUIDField(help_text="The hash of the others (usage.measuring.kinds).")
    key_id = models.UUIDField(null=True, help_text="The key that they were sent with.")
    provider = models.TextField()
    model = models.TextField()
    operation = models.TextField(null=True)
    status = models.TextField()
    environment = models.TextField(null=True)
    basis = models.TextField()
    rate = models.TextField(help_text="What rate_ref says, packed.")

    objects = OwnedQuerySet["CallKind"].as_manager()

    @property
    def rate_ref(self) -> str:
        """The rate behind the amount, or why there is none."""
        return unpacked(self.rate, self.provider, self.model)

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"


class OfKind(OwnedFact):
    """A call of a kind, which says of it what the kind does."""

    kind_id = models.UUIDField()
    kind = models.ForeignObject(
        CallKind,
        models.DO_NOTHING,
        from_fields=("organization", "kind_id"),
        to_fields=("organization", "id"),
        related_name="+",
    )

    class Meta:
        abstract = True

    @property
    def key_id(self) -> UUID | None:
        return self.kind.key_id

    @property
    def provider(self) -> str:
        return self.kind.provider

    @property
    def model(self) -> str:
        return self.kind.model

    @property
    def operation(self) -> str | None:
        return self.kind.operation

    @property
    def status(self) -> str:
        return self.kind.status

    @property
    def environment(self) -> str | None:
        return self.kind.environment

    @property
    def basis(self) -> str:
        return self.kind.basis

    @property
    def rate_ref(self) -> str:
        return self.kind.rate_ref
