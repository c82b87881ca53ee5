"""Which domains an organization may speak for: it shows a token of ours in their DNS."""

import re
import secrets
from hashlib import sha256
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Membership, Organization, User
from accounts.naming import FREE_MAIL
from accounts.sign_on.ending import end_vouched
from accounts.sign_on.kept import SignOnDomain
from tokentra.lib import dns_text
from tokentra.lib.tenancy import digest_scope, organization_scope

MOST = 20
NAME = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


class NotShown(Exception):
    """The token does not stand in the domain's DNS; the text says what was found."""


class ProvedElsewhere(Exception):
    """Another organization has proved this domain."""


def clean(text: str) -> str:
    """A domain in lower-case ASCII; ValidationError for anything else, and for one of public mailboxes."""
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        name = ""
    if not NAME.fullmatch(name):
        raise ValidationError("Enter a domain, such as acme.example.")
    if name in FREE_MAIL:
        raise ValidationError("Nobody owns the addresses of this domain alone.")
    return name


def claim(organization: Organization, name: str, *, by: User) -> SignOnDomain:
    with organization_scope(organization.pk):
        organization.lock()
        if organization.sign_on_domains.count() >= MOST:
            raise ValidationError(f"At most {MOST} domains.")
        domain, is_new = SignOnDomain.objects.get_or_create(
            organization=organization,
            name=name,
            defaults={"digest": digest_of(name), "token": f"tokentra-domain={secrets.token_urlsafe(24)}"},
        )
        if is_new:
            audit.note("sign_on_domain_claimed", organization, by, about=domain, domain=name)
    return domain


def prove(domain: SignOnDomain, *, by: User) -> None:
    """Ask the domain's DNS, outside any transaction. Raises NotShown and ProvedElsewhere."""
    found = dns_text.records(domain.name)
    if domain.token not in found:
        raise NotShown("no TXT record" if not found else f"{len(found)} TXT records, none of them ours")
    organization = domain.organization
    try:
        with organization_scope(organization.pk), transaction.atomic():
            now = timezone.now()
            kept = SignOnDomain.objects.filter(organization=organization, pk=domain.pk)
            kept.update(proved_at=now, looked_at=now, missed=0)
            audit.note("sign_on_domain_proved", organization, by, about=domain, domain=domain.name)
    except IntegrityError:
        raise ProvedElsewhere from None


def drop(domain: SignOnDomain, *, by: User) -> None:
    """Its people come in by the sign-on no longer; without any domain it is required no longer."""
    with organization_scope(domain.organization_id):
        organization, name = domain.organization, domain.name
        audit.note("sign_on_domain_removed", organization, by, about=domain, domain=name)
        domain.delete()
        left = organization.sign_on_domains.filter(proved_at__isnull=False).values_list("name", flat=True)
        end_vouched(organization, beside=set(left))
        if not left:
            Organization.objects.filter(pk=organization.pk).update(sign_on_required=False)


def organization_of(address: str) -> UUID | None:
    """Whose sign-on speaks for an address, if anybody's."""
    found = proved(address)
    return found.organization_id if found else None


def proved(address: str) -> SignOnDomain | None:
    digest = digest_of(address.rpartition("@")[2])
    with digest_scope(digest):
        return SignOnDomain.objects.filter(digest=digest, proved_at__isnull=False).first()


def speaks_for(organization_id: UUID, address: str) -> bool:
    """Of a domain that lapsed it speaks for those alone who are members already."""
    found = proved(address)
    if found is None or found.organization_id != organization_id:
        return False
    return not found.has_lapsed or is_of_member(organization_id, address)


def is_of_member(organization_id: UUID, address: str) -> bool:
    with organization_scope(organization_id):
        people = Membership.objects.filter(organization_id=organization_id)
        return people.filter(user__email=address).exists()


def digest_of(name: str) -> str:
    return sha256(f"sign-on domain {name}".encode()).hexdigest()


def has_been_used(key: str) -> bool:
    return bool(SocialAccount.objects.filter(provider=key).exists())
