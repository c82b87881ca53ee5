"""An organization's identity provider: saved, switched on, required, taken away; its secret sealed."""

from collections import Counter
from typing import Any
from uuid import UUID

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.utils import timezone

from accounts import audit
from accounts.models import Organization, User
from accounts.scim.kept import DirectoryToken
from accounts.sign_on.domains import has_been_used
from accounts.sign_on.ending import end_vouched
from accounts.sign_on.kept import SignOn, SignOnDomain, SignOnKind
from accounts.sign_on.standing import is_key
from tokentra.lib import crypto
from tokentra.lib.crypto import Place, Sealed
from tokentra.lib.tenancy import as_sweep, organization_scope

# who somebody is at the provider is only told apart while the provider is the same
IDENTIFYING = ("kind", "issuer", "client_id", "entity_id")
FIELDS = (*IDENTIFYING, "sso_url", "certificate", "default_role")


class NotReady(Exception):
    """It cannot be switched so; the text says what is missing."""


def of(organization: Organization) -> SignOn | None:
    """Inside the organization's scope."""
    return SignOn.objects.owned_by(organization).first()


def save(organization: Organization, values: dict[str, Any], *, secret: str, by: User) -> SignOn:
    """Keep what was entered; an empty `secret` keeps the one before. With another provider all begin anew.

    Sessions for which the one before vouched end, and it has to be seen working before it is required again.
    """
    with organization_scope(organization.pk):
        organization.lock()
        kept = of(organization) or SignOn(organization=organization)
        before = {name: getattr(kept, name) for name in FIELDS}
        for name in FIELDS:
            setattr(kept, name, values.get(name, ""))
        changed = [name for name in FIELDS if before[name] != getattr(kept, name)]
        if secret:
            seal(kept, secret)
        kept.changed_at = timezone.now()
        kept.save()
        if set(changed) & {*IDENTIFYING, "sso_url", "certificate"}:
            end_vouched(organization)
        if set(changed) & set(IDENTIFYING):
            SocialAccount.objects.filter(provider=kept.key).delete()
            Organization.objects.filter(pk=organization.pk).update(sign_on_required=False)
        told = [name for name in changed if name != "certificate"]
        audit.note(
            "sign_on_saved",
            organization,
            by,
            about=kept,
            before={name: before[name] for name in told},
            after={name: getattr(kept, name) for name in told},
            certificate_changed="certificate" in changed,
            secret_changed=bool(secret),
        )
    return kept


def switch(organization: Organization, *, is_on: bool, is_required: bool, by: User) -> None:
    """Raises NotReady, so that nobody locks everybody out."""
    with organization_scope(organization.pk):
        organization.lock()
        kept = of(organization)
        if kept is None or (is_on and not organization.sign_on_domains.filter(proved_at__isnull=False).exists()):
            raise NotReady("Prove a domain and save the identity provider first.")
        if is_required and not is_on:
            raise NotReady("Sign-on has to be on before it can be required.")
        if is_required and not organization.sign_on_required and not has_been_used(kept.key):
            raise NotReady("Log in through it once yourself, so that you know that it works.")
        SignOn.objects.owned_by(organization).update(is_on=is_on)
        if not is_on:
            end_vouched(organization)
        Organization.objects.filter(pk=organization.pk).update(sign_on_required=is_required)
        audit.note("sign_on_switched", organization, by, about=kept, on=is_on, required=is_required)


def remove(organization: Organization, *, by: User) -> None:
    with organization_scope(organization.pk):
        if kept := of(organization):
            audit.note("sign_on_removed", organization, by, about=kept)
            Organization.objects.filter(pk=organization.pk).update(sign_on_required=False)
            end_vouched(organization)
            SocialAccount.objects.filter(provider=kept.key).delete()
            kept.delete()


def end(organization: Organization) -> None:
    """Inside the scope of an organization that is being deleted: nobody comes in any more, and its domains are free."""
    SocialAccount.objects.filter(provider=organization.pk.hex).delete()
    SignOn.objects.owned_by(organization).delete()
    organization.sign_on_domains.all().delete()
    DirectoryToken.objects.filter(organization=organization).delete()
    organization.sign_on_required = False


def app_for(key: str | None) -> SocialApp | None:
    """What the library asks for when it is at an organization's provider; never kept in its own table."""
    if not key or not is_key(key):
        return None
    organization_id = UUID(hex=key)
    with organization_scope(organization_id, up_to_date=False):
        kept = SignOn.objects.filter(organization_id=organization_id, is_on=True).select_related("organization").first()
        is_proved = SignOnDomain.objects.filter(organization_id=organization_id, proved_at__isnull=False).exists()
    return built(kept) if kept and is_proved else None


def built(kept: SignOn) -> SocialApp:
    name = kept.organization.name
    if kept.kind == SignOnKind.OIDC:
        told = {"server_url": kept.issuer.rstrip("/"), "fetch_userinfo": True}
        secret = crypto.unseal(sealed(kept), place(kept)) if kept.has_secret else ""
        app = SocialApp(
            provider="openid_connect", provider_id=kept.key, name=name, client_id=kept.client_id, secret=secret
        )
    else:
        told = {
            "idp": {"entity_id": kept.entity_id, "sso_url": kept.sso_url, "x509cert": kept.certificate},
            "attribute_mapping": MAPPING,
            "advanced": {
                "want_assertion_signed": True,
                "want_name_id": True,
                "want_attribute_statement": False,
                "reject_idp_initiated_sso": True,
                "reject_deprecated_algorithm": True,
                "allow_single_label_domains": True,
                "strict": True,
            },
        }
        app = SocialApp(provider="saml", provider_id=kept.key, name=name, client_id=kept.key)
    app.settings = told
    return app


MAPPING = {
    "email": [
        "email",
        "mail",
        "urn:oid:0.9.2342.19200300.100.1.3",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    ],
    "first_name": ["urn:oid:2.5.4.42", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "firstName"],
    "last_name": ["urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "lastName"],
}


def place(kept: SignOn) -> Place:
    return Place(kept.organization_id, kept.pk, "client secret")


def sealed(kept: SignOn) -> Sealed:
    return Sealed(kept.master_id, bytes(kept.wrapped_key), kept.sealed_under, bytes(kept.ciphertext))


def seal(kept: SignOn, secret: str) -> None:
    written(kept, crypto.seal(secret, place(kept)))


def written(kept: SignOn, now: Sealed) -> None:
    kept.master_id, kept.sealed_under = now.master_id, now.sealed_under
    kept.wrapped_key, kept.ciphertext = now.wrapped_key, now.ciphertext


def rewrap_all() -> int:
    """Wrap what an older master key wraps by the newest one, one organization after another."""
    with as_sweep():
        behind = SignOn.objects.exclude(master_id__in=["", crypto.current_master()])
        organizations = list(behind.values_list("organization_id", flat=True))
    return sum(rewrap(pk) for pk in organizations)


def rewrap(organization_id: UUID) -> int:
    with organization_scope(organization_id, up_to_date=False):
        for kept in SignOn.objects.select_for_update().filter(organization_id=organization_id):
            if kept.has_secret and kept.master_id != crypto.current_master():
                written(kept, crypto.rewrap(sealed(kept), place(kept)))
                kept.save(update_fields=["master_id", "wrapped_key", "sealed_under", "ciphertext"])
                return 1
    return 0


def references() -> Counter[str]:
    """How many client secrets each master key wraps."""
    with as_sweep():
        return Counter(SignOn.objects.exclude(master_id="").values_list("master_id", flat=True))
