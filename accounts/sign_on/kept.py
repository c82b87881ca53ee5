"""What is kept of an organization's single sign-on: the provider, and the domains whose people it may speak for."""

from django.db import models
from django.db.models import Q

from accounts.owned import Owned, OwnedQuerySet
from accounts.permissions import Role
from tokentra.lib.ids import uuid7

LAPSES_AFTER = 7  # days
ROLES = [(role.value, role.label) for role in Role if role is not Role.OWNER]


class SignOnKind(models.TextChoices):
    OIDC = "oidc", "OpenID Connect"
    SAML = "saml", "SAML 2.0"


class SignOn(Owned):
    """The identity provider of an organization. The client secret is sealed as provider keys are."""

    kind = models.CharField(max_length=4, choices=SignOnKind)
    is_on = models.BooleanField(default=False)
    default_role = models.CharField(max_length=10, choices=ROLES, default=Role.VIEWER)
    issuer = models.CharField(max_length=300, blank=True)
    client_id = models.CharField(max_length=200, blank=True)
    master_id = models.CharField(max_length=8, blank=True)
    wrapped_key = models.BinaryField(default=b"")
    sealed_under = models.CharField(max_length=8, blank=True)
    ciphertext = models.BinaryField(default=b"")
    entity_id = models.CharField(max_length=300, blank=True)
    sso_url = models.CharField(max_length=300, blank=True)
    certificate = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="an_organization_has_one_sign_on"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def key(self) -> str:
        """How the library calls it: in addresses, and in the identities that it vouches for."""
        return self.organization_id.hex

    @property
    def has_secret(self) -> bool:
        return bool(self.ciphertext)


class SignOnDomain(models.Model):
    """A domain that an organization claims. Once its DNS has shown the token, it is that organization's alone.

    The database shows it to its organization, and a proved one to whoever asks for that domain.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="sign_on_domains", db_index=False
    )
    name = models.CharField(max_length=253)
    digest = models.CharField(max_length=64)
    token = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)
    proved_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="When its DNS was last asked for the token.")
    missed = models.PositiveSmallIntegerField(default=0, help_text="How many days in a row its DNS denied the token.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="a_domain_is_claimed_once"),
            models.UniqueConstraint(
                fields=["digest"], condition=Q(proved_at__isnull=False), name="a_domain_is_proved_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_lapsed(self) -> bool:
        """Its DNS denied the token for so long that it may be somebody else's by now: nobody new comes in by it."""
        return self.missed >= LAPSES_AFTER

    @property
    def days_left(self) -> int:
        return max(LAPSES_AFTER - self.missed, 0)
